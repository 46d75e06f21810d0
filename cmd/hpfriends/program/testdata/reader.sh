# A reader at a shell: what documents_linux_test.go puts before the commands of a document, each of which it hands to
# `run`. It is in namespaces of its own, so that addresses and ports are those of the document; absolute directories lie
# below the one where it begins.
set -euo pipefail
here=$PWD testdata=${BASH_SOURCE%/*}
export HOME=$here/home
mkdir -p "$HOME" place log var/lib srv/backups backup tmp etc/hpfriends etc/prometheus
ip link set lo up
for n in 1 2 3 4 5; do ip address add "10.0.0.$n/32" dev lo; done
printf '127.0.0.1 localhost\n10.0.0.1 broker.example broker.example.org\n' >hosts
mount --bind hosts /etc/hosts
echo fail >home/.curlrc
n=0 alone= followers=() servers=()

# What stands in the place of words that are for the reader's own; `run` adds secrets, by ident, and ids of shares.
put() { echo "$2" >"$here/place/$1"; }
put HOST 127.0.0.1
put PORT 10000
put SITE http://127.0.0.1:8080
put DIR hpfriends-data
put HANDLE ada
put SENSOR ada-sensor
put IDENT bob-reader
put CHANNEL cowrie.sessions

# first COMMAND...: the id of what a list begins with
first() { "$@" --json | sed -n 's/.*"id": *"\{0,1\}\([^",]*\).*/\1/p' | head -n 1; }
guest() { # a client of ada's that may be closed
  (hpfriends sub -i ada-sensor -s "$(cat place/of-ada-sensor)" -c cowrie.x >guest 2>&1 || true) &
  connected() { hpfriends connection ls --user ada | grep -q cowrie.x; }
  eventually "ada's client is connected" connected
}
login() { # login USER: in a browser
  curl -s -o /dev/null -d "user=$1" --data-urlencode "password=$(cat password)" http://127.0.0.1:8080/login
}

fail() {
  printf 'FAILED: %s\n' "$*"
  tail -n 20 "$here"/log/*
  exit 1
}
eventually() { # eventually WHAT COMMAND...: within a minute
  local what=$1 end=$((SECONDS + 60))
  shift
  until "$@"; do
    ((SECONDS < end)) || fail "in a minute not: $what"
    sleep 0.1
  done
}
sudo() {
  [ "$1" != -u ] || shift 2
  "$@"
}

# run COMMAND: as it stands in the document. Servers, subscribers and what the server replays run on beside the rest.
run() {
  local line=$1 ident=bob-reader place
  for place in place/[A-Z]*; do
    line=$(sed -E "s|\b${place#place/}\b|$(cat "$place")|g" <<<"$line")
  done
  if [[ $line =~ (-i|--ident)\ ([^ ]+) ]]; then ident=${BASH_REMATCH[2]}; fi
  if [ -e "place/of-$ident" ]; then
    line=$(sed -E "s|\bSECRET\b|$(cat "place/of-$ident")|g" <<<"$line")
  fi
  printf '$ %s\n' "$line"
  case $line in
  *"hpfriends serve"* | hpfeeds-broker\ *) serve "$line" ;;
  "hpfriends sub "* | "hpfeeds subscribe "*) follow "$line" ;;
  "hpfriends replay "*" --authkey "*) beside "$line" ;;
  *)
    eval "$line" >said 2>&1 </dev/null || { cat said; fail "$line"; }
    cat said
    case $line in
    *"authkey add "*) awk '$1 == "secret" { print $2 }' said >"place/of-$ident" ;;
    *"share add "*) tail -n 1 said >place/ID ;;
    esac
    ;;
  esac
}

# serve COMMAND: it runs until another begins, as in a terminal of its own. With --cluster it is on a machine of its own, so
# that it listens where it likes; with & it was meant to stay beside the others.
serve() {
  local log=log/server.$((++n)) data
  : >"$log"
  if [[ $1 == *" --cluster "* ]]; then
    (HPFRIENDS_HPFEEDS=tcp:port=0:interface=127.0.0.1 HPFRIENDS_HTTP=127.0.0.1:0 eval "exec $1") 2>"$log" &
  elif [[ $1 == *"&" ]]; then
    (eval "exec ${1%&}") 2>"$log" &
  else
    [ -z "$alone" ] || quit "$alone"
    (eval "exec $1") 2>"$log" &
    alone=$!
  fi
  servers+=($!)
  serving() { kill -0 $! || fail "the server has ended"; grep -q '"serving"' "$log"; }
  eventually "the server serves" serving
  data=$(sed -n 's/.*"msg":"serving".*"data":"\([^"]*\)".*/\1/p' "$log")
  echo "$data" >"log/data.$!"
}
quit() { # quit PID: in good order
  kill "$1"
  wait "$1" || fail "the server ended with $?"
  ended "$1"
  [ "$alone" != "$1" ] || alone=
}
crash() { # crash DIR: as a machine that is lost
  local pid
  pid=$(grep -lx "$1" log/data.* | sed 's/.*\.//')
  kill -KILL "$pid"
  ended "$pid"
}
voters() { # voters HOW-MANY DIR
  [ "$(hpfriends cluster status --json --data-dir "$2" | grep -c '"role": "\(voter\|leader\)"')" = "$1" ]
}
ended() {
  rm "log/data.$1"
  mapfile -t servers < <(printf '%s\n' "${servers[@]}" | grep -vx "$1")
}

# follow COMMAND: it is there before the next command begins.
follow() {
  local out=log/follower.$((++n)) before
  subscriptions() { for d in log/data.*; do hpfriends connection ls --json --data-dir "$(cat "$d")"; done | grep -c '"subscriptions"'; }
  before=$(subscriptions || true)
  (eval "exec $1") >"$out" 2>"$out.err" &
  followers+=("$! $out $1")
  subscribed() { [ -s "$out" ] || kill -0 $! && [ "$(subscriptions)" -gt "$before" ] || ! kill -0 $!; }
  eventually "it has subscribed" subscribed
}

# beside COMMAND: a replay that the next commands look at, and stop.
beside() {
  local out=log/follower.$((++n))
  (eval "exec $1") >"$out" 2>"$out.err" &
  followers+=("$! $out $1")
  replaying() { hpfriends replays ls --as ada | grep -q ' running '; }
  eventually "the server replays" replaying
}

# finish: every subscriber has printed something, and all servers end in good order.
finish() {
  local pid out command
  for f in "${followers[@]}"; do
    read -r pid out command <<<"$f"
    eventually "'$command' prints a message" test -s "$out"
    printf '> %s\n' "$command"
    cat "$out.err" "$out"
    kill -INT "$pid" 2>/dev/null || true
    wait "$pid" || [ $? = 130 ] || fail "$command"
  done
  for pid in "${servers[@]}"; do quit "$pid"; done
}

# What documents begin with that do not say how to come so far.
broker() { # broker DIR [FLAG...]: a server, ada with a sensor, bob with a reader, and a share between them
  local -x HPFRIENDS_DATA_DIR=$1
  run "hpfriends serve ${*:2}"
  hpfriends user add ada
  hpfriends user add bob --role admin
  run "hpfriends authkey add --as ada --ident ada-sensor --pub '*' --sub '*'"
  run "hpfriends authkey add --as bob --ident bob-reader --sub '*'"
  run "hpfriends share add '*' --as ada --to bob"
  run "hpfriends share accept ID --as bob"
}
publish() { hpfriends pub -i ada-sensor -s "$(cat place/of-ada-sensor)" -c "$1" '{"src_ip":"192.0.2.7"}'; } # publish CHANNEL
of_your_own() { # a certificate for broker.example
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
    -subj /CN=broker.example -addext subjectAltName=DNS:broker.example 2>/dev/null
}
