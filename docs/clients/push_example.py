"""The interface page's example with nothing but the standard library: python push_example.py [address]"""

import hashlib
import json
import sys
import urllib.error
import urllib.request

PATH = "/gate/1.0/parking/internal/vip/recharge"
SECRET = "12323232323"

address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
row = {
    "plate": "粤X33333", "plate_color": "1", "card_no": "ID000001", "card_id": "ID000001", "charge_type": "101",
    "vip_type": "1", "quantity": "1", "pay_partner": "pay_partner_1234567890", "pay_type": "1", "value": "30",
    "pay_time": "1625068799000", "pay_value": "10000", "operator": "张三",
}  # fmt: skip
# Serialise once; sign the very bytes that are sent.
body = json.dumps({"park_uuid": "49f0cc52-e8c7-41e3-b54d-af666b8cc11a", "row": [row]}, ensure_ascii=False).encode()
signature = hashlib.md5(body + b"&app_secret=" + SECRET.encode()).hexdigest()
headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": signature}
try:
    with urllib.request.urlopen(urllib.request.Request(address + PATH, body, headers)) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as refusal:
    print(refusal.code, refusal.read().decode())
