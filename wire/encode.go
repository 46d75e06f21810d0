package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The Append functions append one frame to dst and return the extended slice. They cannot fail on names of up to
// MaxName bytes and frames below 2 GiB; past that they panic, since a cut name would be another name. Check what comes
// from outside before (the Client does).

// AppendError appends an ERROR frame.
func AppendError(dst []byte, text string) []byte {
	return append(appendHeader(dst, OpError, len(text)), text...)
}

// AppendInfo appends an INFO frame.
func AppendInfo(dst []byte, name string, nonce []byte) []byte {
	return append(appendNamed(dst, OpInfo, name, len(nonce)), nonce...)
}

// AppendAuth appends an AUTH frame; digest is Digest's.
func AppendAuth(dst []byte, ident string, digest [DigestLen]byte) []byte {
	return append(appendNamed(dst, OpAuth, ident, len(digest)), digest[:]...)
}

// AppendPublish appends a PUBLISH frame.
func AppendPublish(dst []byte, ident, channel string, payload []byte) []byte {
	checkName(channel)
	dst = appendNamed(dst, OpPublish, ident, 1+len(channel)+len(payload))
	dst = append(dst, byte(len(channel)))
	dst = append(dst, channel...)
	return append(dst, payload...)
}

// AppendSubscribe appends a SUBSCRIBE frame. The channel may be longer than MaxName; see MaxSubscribeLen.
func AppendSubscribe(dst []byte, ident, channel string) []byte {
	return append(appendNamed(dst, OpSubscribe, ident, len(channel)), channel...)
}

// AppendUnsubscribe appends an UNSUBSCRIBE frame.
func AppendUnsubscribe(dst []byte, ident, channel string) []byte {
	return append(appendNamed(dst, OpUnsubscribe, ident, len(channel)), channel...)
}

func appendNamed(dst []byte, op byte, name string, rest int) []byte {
	checkName(name)
	dst = appendHeader(dst, op, 1+len(name)+rest)
	dst = append(dst, byte(len(name)))
	return append(dst, name...)
}

func appendHeader(dst []byte, op byte, rest int) []byte {
	n := HeaderLen + rest
	if n > math.MaxInt32 {
		panic(fmt.Sprintf("wire: frame of %d bytes", n))
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(n)), op)
}

func checkName(name string) {
	if len(name) > MaxName {
		panic(fmt.Sprintf("wire: name of %d bytes, at most %d", len(name), MaxName))
	}
}
