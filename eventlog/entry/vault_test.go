package entry

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestStepsOfTheVaultRoundTrip(t *testing.T) {
	for _, want := range []Vault{
		{Step: VaultPut, Time: at(1700000000123), Name: "a/b", Value: []byte("sealed")},
		{Step: VaultDelete, Time: at(1700000000123), Name: strings.Repeat("n", MaxVaultName)},
		{Step: VaultLock, Time: at(1), Name: "issue", Holder: [16]byte{1, 15: 2}, Expires: at(1700000045000)},
		{Step: VaultUnlock, Time: at(1), Name: "issue", Holder: [16]byte{1, 15: 2}},
	} {
		data := want.Encode()
		got, err := DecodeVault(data)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%+v is decoded to %+v, %v", want, got, err)
		}
		shown, err := json.Marshal(want.Shown())
		if err != nil || strings.Contains(string(shown), "sealed") || want.Shown().Step == "" {
			t.Errorf("%s is shown, %v", shown, err)
		}
		if other, err := Shown(data); err != nil || !reflect.DeepEqual(other, want.Shown()) {
			t.Errorf("an entry is shown as %+v, %v", other, err)
		}
		if want.Step == VaultPut { // all that is behind the name is the value
			continue
		}
		for _, bad := range [][]byte{append(data[:len(data):len(data)], 0), data[:len(data)-1]} {
			if e, err := DecodeVault(bad); err == nil {
				t.Errorf("%d bytes for %d are decoded to %+v", len(bad), len(data), e)
			}
		}
	}
	data := (&Vault{Step: VaultDelete, Name: "n"}).Encode()
	for at, b := range map[int]byte{1: 2, 2: 5, 11: 0xff} { // version, step, length of the name
		bad := append([]byte(nil), data...)
		bad[at] = b
		if e, err := DecodeVault(bad); err == nil {
			t.Errorf("byte %d as %d is decoded to %+v", at, b, e)
		}
	}
}
