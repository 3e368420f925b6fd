// The interface page's example for .NET 5 or newer: the body of Program.cs in a console project.
using System;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;

const string path = "/gate/1.0/parking/internal/vip/recharge";
const string secret = "12323232323";

string address = args.Length > 0 ? args[0] : "http://127.0.0.1:8080";
string content =
    "{\"park_uuid\":\"49f0cc52-e8c7-41e3-b54d-af666b8cc11a\",\"row\":[{\"plate\":\"粤X33333\",\"plate_color\":\"1\"," +
    "\"card_no\":\"ID000001\",\"card_id\":\"ID000001\",\"charge_type\":\"101\",\"vip_type\":\"1\",\"quantity\":\"1\"," +
    "\"pay_partner\":\"pay_partner_1234567890\",\"pay_type\":\"1\",\"value\":\"30\",\"pay_time\":\"1625068799000\"," +
    "\"pay_value\":\"10000\",\"operator\":\"张三\"}]}";

// UTF-8, not Encoding.Default: on a Chinese Windows that is GBK.
byte[] signed = Encoding.UTF8.GetBytes(content + "&app_secret=" + secret);
string signature = Convert.ToHexString(MD5.HashData(signed)).ToLowerInvariant();

using var client = new HttpClient();
using var request = new HttpRequestMessage(HttpMethod.Post, address + path);
request.Content = new StringContent(content, Encoding.UTF8, "application/json");
// The signature is no "scheme value" pair, so it must not be validated as one.
request.Headers.TryAddWithoutValidation("Authorization", signature);
using HttpResponseMessage answer = await client.SendAsync(request);
Console.WriteLine($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
