"""The texts of the signature doctor."""

from __future__ import annotations

from typing import Final

from vipgate.errors import Words

TEXTS: Final = {
    "nav.doctor": Words("签名诊断", "Signature doctor"),
    "doctor.title": Words("签名诊断", "Signature doctor"),
    "doctor.lead": Words(
        "粘贴车场实际发送的正文和签名请求头，查明签名错在哪里。",
        "Paste the body that the park really sends and the headers of its signature, and be told what is wrong with it.",
    ),
    "doctor.body": Words("正文", "Body"),
    "doctor.body.hint": Words(
        "必须与发送的一字不差；最好从对方日志中复制原始字节（base64 或十六进制）",
        "Exactly as it is sent; best are the raw bytes out of their log, as base64 or hex",
    ),
    "doctor.coding": Words("正文的形式", "How the body is given"),
    "doctor.coding.utf-8": Words("文本，以 UTF-8 发送", "text, sent as UTF-8"),
    "doctor.coding.gbk": Words("文本，以 GBK 发送", "text, sent as GBK"),
    "doctor.coding.base64": Words("原始字节的 base64", "raw bytes as base64"),
    "doctor.coding.hex": Words("原始字节的十六进制", "raw bytes as hex"),
    "doctor.authorization": Words(
        "Authorization 或 webhook-signature 请求头", "Header Authorization or webhook-signature"
    ),
    "doctor.authorization.hint": Words("留空则只计算正确的签名", "Empty: only the right signature is made"),
    "doctor.webhook_id": Words("webhook-id 请求头", "Header webhook-id"),
    "doctor.webhook_timestamp": Words("webhook-timestamp 请求头", "Header webhook-timestamp"),
    "doctor.webhook.hint": Words("仅 HMAC 签名", "HMAC signatures only"),
    "doctor.park": Words("使用平台保存的车场密钥", "Use the secret that the platform keeps of a park"),
    "doctor.park.hint": Words(
        "名称或 park_uuid；留空则取正文中的 park_uuid。记入操作日志。",
        "Name or park_uuid; empty: the park_uuid in the body. Noted in the audit log.",
    ),
    "doctor.secret": Words("或输入密钥", "Or type a secret"),
    "doctor.secret.only": Words("密钥", "Secret"),
    "doctor.secret.hint": Words(
        "只用于这一次检查，不保存、不记录、不回显", "Used for this check alone: not stored, not logged, not shown again"
    ),
    "doctor.do": Words("检查", "Check"),
    "doctor.right": Words("签名正确", "The signature is right"),
    "doctor.right.previous": Words(
        "签名正确，但用的是轮换前的旧密钥", "The signature is right, but made with the old secret"
    ),
    "doctor.wrong": Words("签名不正确", "The signature is wrong"),
    "doctor.made": Words("正确的签名", "The right signature"),
    "doctor.with": Words("所用密钥", "Secret used"),
    "doctor.with.park": Words("车场 {park} 的密钥", "that of the park {park}"),
    "doctor.with.typed": Words("输入的密钥", "the one that was typed"),
    "doctor.hashed": Words("参与 MD5 的内容", "What the MD5 is made over"),
    "doctor.hashed.hmac": Words(
        "参与 HMAC-SHA256 的内容，以车场密钥为键", "What the HMAC-SHA256 is made over, keyed with the secret"
    ),
    "doctor.charset": Words("签名无论对错，正文都会被拒绝（400）", "However it is signed, the body is refused (400)"),
    "doctor.late": Words("若现在才收到", "Were it to come only now"),
    "doctor.hashed.secret": Words("‹密钥›", "‹secret›"),
    "doctor.left_out": Words("…… 略去 {n} 个字符 ……", "… {n} characters left out …"),
    "doctor.bytes": Words("正文长度", "Length of the body"),
    "doctor.edges": Words("首尾字节", "First and last bytes"),
    "doctor.sha256": Words("正文 SHA-256", "SHA-256 of the body"),
    "doctor.sha256.hint": Words(
        "与请求页上的 SHA-256 相同，说明粘贴的就是收到的正文",
        "The same as on the page of the request? Then this is the very body that came",
    ),
    "deed.signature.check": Words("用车场密钥检查签名", "checked a signature with a park's secret"),
}
