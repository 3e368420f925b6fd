"""Texts of the signature doctor."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "nav.doctor": LocalizedText("签名诊断", "Signature doctor"),
    "doctor.title": LocalizedText("签名诊断", "Signature doctor"),
    "doctor.lead": LocalizedText(
        "粘贴车场实际发送的正文和签名请求头，查明签名错在哪里。",
        "Paste the body that the park really sends and the headers of its signature, and be told what is wrong with it.",
    ),
    "doctor.body": LocalizedText("正文", "Body"),
    "doctor.body.hint": LocalizedText(
        "必须与发送的一字不差；最好从对方日志中复制原始字节（base64 或十六进制）",
        "Exactly as it is sent; best are the raw bytes out of their log, as base64 or hex",
    ),
    "doctor.coding": LocalizedText("正文的形式", "How the body is given"),
    "doctor.coding.utf-8": LocalizedText("文本，以 UTF-8 发送", "text, sent as UTF-8"),
    "doctor.coding.gbk": LocalizedText("文本，以 GBK 发送", "text, sent as GBK"),
    "doctor.coding.base64": LocalizedText("原始字节的 base64", "raw bytes as base64"),
    "doctor.coding.hex": LocalizedText("原始字节的十六进制", "raw bytes as hex"),
    "doctor.authorization": LocalizedText(
        "Authorization 或 webhook-signature 请求头", "Header Authorization or webhook-signature"
    ),
    "doctor.authorization.hint": LocalizedText("留空则只计算正确的签名", "Empty: only the right signature is made"),
    "doctor.webhook_id": LocalizedText("webhook-id 请求头", "Header webhook-id"),
    "doctor.webhook_timestamp": LocalizedText("webhook-timestamp 请求头", "Header webhook-timestamp"),
    "doctor.webhook.hint": LocalizedText("仅 HMAC 签名", "HMAC signatures only"),
    "doctor.park": LocalizedText("使用平台保存的车场密钥", "Use the secret that the platform keeps of a park"),
    "doctor.park.hint": LocalizedText(
        "名称或 park_uuid；留空则取正文中的 park_uuid。记入操作日志。",
        "Name or park_uuid; empty: the park_uuid in the body. Noted in the audit log.",
    ),
    "doctor.secret": LocalizedText("或输入密钥", "Or type a secret"),
    "doctor.secret.only": LocalizedText("密钥", "Secret"),
    "doctor.secret.hint": LocalizedText(
        "只用于这一次检查，不保存、不记录、不回显", "Used for this check alone: not stored, not logged, not shown again"
    ),
    "doctor.do": LocalizedText("检查", "Check"),
    "doctor.right": LocalizedText("签名正确", "The signature is right"),
    "doctor.right.previous": LocalizedText(
        "签名正确，但用的是轮换前的旧密钥", "The signature is right, but made with the old secret"
    ),
    "doctor.wrong": LocalizedText("签名不正确", "The signature is wrong"),
    "doctor.made": LocalizedText("正确的签名", "The right signature"),
    "doctor.with": LocalizedText("所用密钥", "Secret used"),
    "doctor.with.park": LocalizedText("车场 {park} 的密钥", "that of the park {park}"),
    "doctor.with.typed": LocalizedText("输入的密钥", "the one that was typed"),
    "doctor.hashed": LocalizedText("参与 MD5 的内容", "What the MD5 is made over"),
    "doctor.hashed.hmac": LocalizedText(
        "参与 HMAC-SHA256 的内容，以车场密钥为键", "What the HMAC-SHA256 is made over, keyed with the secret"
    ),
    "doctor.charset": LocalizedText(
        "签名无论对错，正文都会被拒绝（400）", "However it is signed, the body is refused (400)"
    ),
    "doctor.late": LocalizedText("若现在才收到", "Were it to come only now"),
    "doctor.hashed.secret": LocalizedText("‹密钥›", "‹secret›"),
    "doctor.left_out": LocalizedText("…… 略去 {n} 个字符 ……", "… {n} characters left out …"),
    "doctor.bytes": LocalizedText("正文长度", "Length of the body"),
    "doctor.edges": LocalizedText("首尾字节", "First and last bytes"),
    "doctor.sha256": LocalizedText("正文 SHA-256", "SHA-256 of the body"),
    "doctor.sha256.hint": LocalizedText(
        "与请求页上的 SHA-256 相同，说明粘贴的就是收到的正文",
        "The same as on the page of the request? Then this is the very body that came",
    ),
    "deed.signature.check": LocalizedText("用车场密钥检查签名", "checked a signature with a park's secret"),
}
