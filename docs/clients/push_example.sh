#!/bin/sh
# The interface page's example with curl and md5sum: sh push_example.sh [address]
set -eu
address=${1:-http://127.0.0.1:8080}
secret=12323232323
body='{"park_uuid":"49f0cc52-e8c7-41e3-b54d-af666b8cc11a","row":[{"plate":"粤X33333","plate_color":"1","card_no":"ID000001","card_id":"ID000001","charge_type":"101","vip_type":"1","quantity":"1","pay_partner":"pay_partner_1234567890","pay_type":"1","value":"30","pay_time":"1625068799000","pay_value":"10000","operator":"张三"}]}'
signature=$(printf '%s&app_secret=%s' "$body" "$secret" | md5sum | cut -d' ' -f1)
curl --silent --show-error --header 'Content-Type: application/json; charset=utf-8' --header "Authorization: $signature" \
    --data-binary "$body" "$address/gate/1.0/parking/internal/vip/recharge"
echo
