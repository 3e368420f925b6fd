<?php
// The interface page's example for PHP 7 or newer with the curl extension: php push_example.php [address]
const PATH = '/gate/1.0/parking/internal/vip/recharge';
const SECRET = '12323232323';

$address = $argv[1] ?? 'http://127.0.0.1:8080';
$row = [
    'plate' => '粤X33333', 'plate_color' => '1', 'card_no' => 'ID000001', 'card_id' => 'ID000001', 'charge_type' => '101',
    'vip_type' => '1', 'quantity' => '1', 'pay_partner' => 'pay_partner_1234567890', 'pay_type' => '1', 'value' => '30',
    'pay_time' => '1625068799000', 'pay_value' => '10000', 'operator' => '张三',
];
// Serialise once; sign the very bytes that are sent.
$body = json_encode(['park_uuid' => '49f0cc52-e8c7-41e3-b54d-af666b8cc11a', 'row' => [$row]], JSON_UNESCAPED_UNICODE);
$request = curl_init($address . PATH);
curl_setopt_array($request, [
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => $body,
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => [
        'Content-Type: application/json; charset=utf-8',
        'Authorization: ' . md5($body . '&app_secret=' . SECRET),
    ],
]);
$answer = curl_exec($request);
echo curl_getinfo($request, CURLINFO_RESPONSE_CODE), ' ', $answer === false ? curl_error($request) : $answer, "\n";
