"""Texts of the signature check."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "nav.signature_check": LocalizedText("签名诊断", "Signature check"),
    "signature_check.title": LocalizedText("签名诊断", "Signature check"),
    "signature_check.lead": LocalizedText(
        "粘贴车场实际发送的正文和签名请求头，查明签名错在哪里。",
        "Paste the body exactly as the park sends it and the headers of its signature, to see what is wrong with it.",
    ),
    "signature_check.body": LocalizedText("正文", "Body"),
    "signature_check.body.hint": LocalizedText(
        "必须与发送的一字不差；最好从对方日志中复制原始字节（base64 或十六进制）",
        "Exactly as sent; best copy the raw bytes from the park's log, as base64 or hex",
    ),
    "signature_check.coding": LocalizedText("正文的形式", "Format of the body"),
    "signature_check.coding.utf-8": LocalizedText("文本，以 UTF-8 发送", "text, sent as UTF-8"),
    "signature_check.coding.gbk": LocalizedText("文本，以 GBK 发送", "text, sent as GBK"),
    "signature_check.coding.base64": LocalizedText("原始字节的 base64", "raw bytes as base64"),
    "signature_check.coding.hex": LocalizedText("原始字节的十六进制", "raw bytes as hex"),
    "signature_check.authorization": LocalizedText(
        "Authorization 或 webhook-signature 请求头", "Header Authorization or webhook-signature"
    ),
    "signature_check.authorization.hint": LocalizedText(
        "留空则只计算正确的签名", "Empty: only the correct signature is computed"
    ),
    "signature_check.webhook_id": LocalizedText("webhook-id 请求头", "Header webhook-id"),
    "signature_check.webhook_timestamp": LocalizedText("webhook-timestamp 请求头", "Header webhook-timestamp"),
    "signature_check.webhook.hint": LocalizedText("仅 HMAC 签名", "HMAC signatures only"),
    "signature_check.park": LocalizedText("使用平台保存的车场密钥", "Use the park's secret stored on the platform"),
    "signature_check.park.hint": LocalizedText(
        "名称或 park_uuid；留空则取正文中的 park_uuid。记入操作日志。",
        "Name or park_uuid; empty: the park_uuid in the body. Recorded in the audit log.",
    ),
    "signature_check.secret": LocalizedText("或输入密钥", "Or enter a secret"),
    "signature_check.secret.only": LocalizedText("密钥", "Secret"),
    "signature_check.secret.hint": LocalizedText(
        "只用于这一次检查，不保存、不记录、不回显", "Used for this check only: not stored, not logged, not shown again"
    ),
    "signature_check.do": LocalizedText("检查", "Check"),
    "signature_check.right": LocalizedText("签名正确", "The signature is correct"),
    "signature_check.right.previous": LocalizedText(
        "签名正确，但用的是轮换前的旧密钥", "The signature is correct, but made with the old secret"
    ),
    "signature_check.wrong": LocalizedText("签名不正确", "The signature is wrong"),
    "signature_check.made": LocalizedText("正确的签名", "Correct signature"),
    "signature_check.with": LocalizedText("所用密钥", "Secret used"),
    "signature_check.with.park": LocalizedText("车场 {park} 的密钥", "the secret of the park {park}"),
    "signature_check.with.typed": LocalizedText("输入的密钥", "the secret that was entered"),
    "signature_check.hashed": LocalizedText("参与 MD5 计算的内容", "Input of the MD5"),
    "signature_check.hashed.hmac": LocalizedText(
        "参与 HMAC-SHA256 计算的内容（密钥为车场密钥）", "Input of the HMAC-SHA256, keyed with the secret"
    ),
    "signature_check.charset": LocalizedText(
        "签名无论对错，正文都会被拒绝（400）", "Whatever the signature, the body is rejected (400)"
    ),
    "signature_check.late": LocalizedText("若现在才收到", "If it arrived now"),
    "signature_check.hashed.secret": LocalizedText("‹密钥›", "‹secret›"),
    "signature_check.left_out": LocalizedText("…… 略去 {n} 个字符 ……", "… {n} characters left out …"),
    "signature_check.bytes": LocalizedText("正文长度", "Length of the body"),
    "signature_check.edges": LocalizedText("首尾字节", "First and last bytes"),
    "signature_check.sha256": LocalizedText("正文 SHA-256", "SHA-256 of the body"),
    "signature_check.sha256.hint": LocalizedText(
        "与请求页上的 SHA-256 相同，说明粘贴的就是收到的正文",
        "If it equals the SHA-256 on the request's page, this is the body that was received",
    ),
    "audit.signature.check": LocalizedText("用车场密钥检查签名", "checked a signature with a park's secret"),
}
