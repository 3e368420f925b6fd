import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * The interface page's example with nothing but the JDK (17 or newer): java -Dfile.encoding=UTF-8 PushExample.java [address]
 * (without the flag a JDK 17 reads this file as the system's encoding, on a Chinese Windows GBK, and sends another plate).
 */
public class PushExample {
    static final String PATH = "/gate/1.0/parking/internal/vip/recharge";
    static final String SECRET = "12323232323";

    public static void main(String[] arguments) throws Exception {
        String address = arguments.length > 0 ? arguments[0] : "http://127.0.0.1:8080";
        String content = """
            {"park_uuid":"49f0cc52-e8c7-41e3-b54d-af666b8cc11a","row":[{"plate":"粤X33333","plate_color":"1",\
            "card_no":"ID000001","card_id":"ID000001","charge_type":"101","vip_type":"1","quantity":"1",\
            "pay_partner":"pay_partner_1234567890","pay_type":"1","value":"30","pay_time":"1625068799000",\
            "pay_value":"10000","operator":"张三"}]}""";
        // Sign the very bytes that are sent.
        byte[] body = content.getBytes(StandardCharsets.UTF_8);
        MessageDigest md5 = MessageDigest.getInstance("MD5");
        md5.update(body);
        md5.update(("&app_secret=" + SECRET).getBytes(StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(URI.create(address + PATH))
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Authorization", HexFormat.of().formatHex(md5.digest()))
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build();
        HttpResponse<String> answer = HttpClient.newHttpClient()
            .send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
