# The examples of the reference, in an order in which they run: a test runs them. Words like ID are the reader's own.
hpfriends version
hpfriends init hpfriends.yaml
hpfriends config validate hpfriends.yaml
hpfriends config view --config hpfriends.yaml
hpfriends config example > every-setting.yaml
hpfriends serve --config hpfriends.yaml
hpfriends status
hpfriends status --ready

hpfriends user add ada --name 'Ada Lovelace'
hpfriends user add bob --role admin --password-file password
hpfriends user add cleo
hpfriends user invite --uses 5 --expires 3d
hpfriends user ls --role admin
hpfriends user show ada
hpfriends user edit cleo --role auditor
hpfriends user limits cleo --authkeys 20
hpfriends user passwd ada --password-file password
hpfriends user disable cleo
hpfriends user enable cleo
hpfriends user export --as ada > of-ada.json
hpfriends invitation ls
hpfriends invitation rm ID

hpfriends authkey add --as ada --ident ada-sensor --pub 'cowrie.*' --sub 'cowrie.*' --comment 'cowrie on pot3'
hpfriends authkey add --as bob --ident bob-siem --sub '*' --network 127.0.0.0/8 --expires 90d
hpfriends authkey ls
hpfriends authkey show ada-sensor
hpfriends authkey edit ada-sensor --pub 'cowrie.*' --pub 'files.*'
hpfriends authkey disable ada-sensor
hpfriends authkey enable ada-sensor

hpfriends group add honeynet --as ada
hpfriends group ls
hpfriends group add-member honeynet cleo
hpfriends group show honeynet
hpfriends group promote honeynet cleo
hpfriends group demote honeynet cleo
hpfriends group invite honeynet --uses 3 > link
hpfriends invitation accept --link-file link --as bob
hpfriends group remove-member honeynet cleo
hpfriends group request honeynet --as cleo --note 'I run a cowrie'
hpfriends group requests
hpfriends group accept honeynet cleo
hpfriends group leave honeynet --as cleo
hpfriends group request honeynet --as cleo
hpfriends group decline honeynet cleo

hpfriends share add 'cowrie.*' --as ada --to bob --history full --note TLP:AMBER --dry-run
hpfriends share add 'cowrie.*' --as ada --to bob --history full --note TLP:AMBER
hpfriends share ls --as ada --out
hpfriends share show ID
hpfriends share accept ID --as bob
hpfriends share add 'dionaea.*' --as ada --to bob --type all
hpfriends share accept --as bob --from ada
hpfriends share edit ID --expires 30d
hpfriends explain --from ada --to bob --channel cowrie.sessions

hpfriends sub -i bob-siem -s SECRET -c 'cowrie.*' --durable siem
hpfriends pub -i ada-sensor -s SECRET -c cowrie.sessions '{"src_ip":"192.0.2.7"}'
hpfriends sendfile -i ada-sensor -s SECRET -c files.samples sample.bin
hpfriends channel ls --as bob
hpfriends channel show cowrie.sessions --as bob
hpfriends channel history 'cowrie.*' --as bob --since 1h
hpfriends channel histogram cowrie.sessions --as bob --since 1h
hpfriends channel rates 'cowrie.*' --as bob
hpfriends channel top --by bytes
hpfriends search cowrie --as bob
hpfriends replay 'cowrie.*' --as bob --since 1d --speed 10x
hpfriends replay 'cowrie.*' --as ada --authkey ada-sensor --from first --to channel:cowrie.again --rate 1
hpfriends replays ls --as ada
hpfriends replays show ID --as ada
hpfriends replays stop ID --as ada
hpfriends export 'cowrie.*' --as bob --since 1d -o cowrie.ndjson.zst
hpfriends import cowrie.ndjson.zst -i ada-sensor -s SECRET --dry-run
hpfriends connection ls --user bob
hpfriends connection close ID
hpfriends cursor ls
hpfriends cursor reset bob-siem old --to now
hpfriends cursor rm bob-siem old
hpfriends log ls --since 1d
hpfriends log tail --kind login

hpfriends audit ls --since 7d --user ada
hpfriends audit show '#12.0'
hpfriends audit at 1h
hpfriends audit diff 1h now
hpfriends audit access cowrie.sessions --at now
hpfriends audit verify
hpfriends audit tail --object share

hpfriends token add --as ada --scope read --comment 'for the wall'
hpfriends token ls --as ada
hpfriends token rm ID --as ada
hpfriends session ls --user ada
hpfriends session rm ID
hpfriends session clear ada
hpfriends context add work --server http://127.0.0.1:8080 --token-file token --use
hpfriends context ls
hpfriends context use local
hpfriends context rm work

hpfriends retention status
hpfriends retention hold
hpfriends retention resume
hpfriends retention accept
hpfriends log compact

hpfriends serve --data-dir n1 --node-id n1 --cluster 10.0.0.1:7000 --bootstrap
hpfriends cluster token create --data-dir n1 --uses 2 --life 1h > token
hpfriends serve --data-dir n2 --node-id n2 --cluster 10.0.0.2:7000 --join 10.0.0.1:7000 --join-token-file token
hpfriends cluster join 10.0.0.1:7000 --data-dir n3 --node-id n3 --advertise 10.0.0.3:7000 --token-file token
hpfriends cluster status --data-dir n1
hpfriends cluster peers --data-dir n1
hpfriends cluster token ls --data-dir n1
hpfriends cluster token rm ID --data-dir n1
hpfriends cluster promote n3 --data-dir n1
hpfriends cluster drain n2 --data-dir n1
hpfriends cluster undrain n2 --data-dir n1
hpfriends cluster transfer-leader n2 --data-dir n1
hpfriends cluster remove n3 --data-dir n2
hpfriends cluster leave --data-dir n2
hpfriends cluster recover --data-dir n1

hpfriends backup create full.backup
hpfriends backup create since.backup --after full.backup
hpfriends backup verify full.backup
hpfriends backup inspect full.backup
hpfriends backup data-key export data-key.age --passphrase-file passphrase
hpfriends backup restore full.backup --data-dir restored --data-key data-key.age --passphrase-file passphrase
hpfriends check
hpfriends log dump --data-dir restored --limit 10
hpfriends export definitions --passphrase-file passphrase -o community.yaml
hpfriends import definitions community.yaml --passphrase-file passphrase --dry-run
hpfriends apply -f community.yaml --passphrase-file passphrase --prune --dry-run
hpfriends import hpfeeds --sqlite sqlite.db --dry-run

hpfriends share disable ID --as bob
hpfriends share rm ID
hpfriends authkey rotate bob-siem --overlap 1d
hpfriends authkey rm ada-sensor
hpfriends group rm honeynet
hpfriends user rm cleo
hpfriends doctor
hpfriends debug bundle report.tar.gz
hpfriends gen grafana > hpfriends.json
hpfriends gen prometheus-rules > rules.yaml
hpfriends gen systemd --socket http
hpfriends gen compose --nodes 3 > compose.yaml
hpfriends gen man > hpfriends.1
hpfriends gen cli > cli.md
eval "$(hpfriends completion bash)"
hpfriends demo
hpfriends bench pubsub --duration 10s
hpfriends bench all
hpfriends bench cluster all
