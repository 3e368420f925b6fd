"""Texts of the platform's step."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "step.platform": LocalizedText("平台", "Platform"),
    "platform.lead": LocalizedText(
        "填写平台提供的三项内容。保存后立即用一个不存储任何内容的签名请求试一次，并比较时钟。",
        "Enter what the platform has given you. Saving tries it at once by a signed request that stores nothing, and compares the "
        "clocks.",
    ),
    "platform.url": LocalizedText("平台地址", "The platform's address"),
    "platform.url.hint": LocalizedText("例如 https://platform.example", "for example https://platform.example"),
    "platform.park_uuid.hint": LocalizedText(
        "平台为本车场分配的编号", "the number that the platform has given this car park"
    ),
    "platform.secret": LocalizedText("密钥", "Secret"),
    "platform.secret.hint": LocalizedText(
        "保存在配置文件旁的 .env 文件中，不会再显示",
        "kept in the .env file next to the configuration, and never shown again",
    ),
    "platform.secret.kept": LocalizedText(
        "已保存密钥，不显示；只在更换时填写", "a secret is stored and is not shown; fill this in only to change it"
    ),
    "platform.signature": LocalizedText("签名方式", "Signature"),
    "platform.signature.md5": LocalizedText("MD5（接口的标准方式）", "MD5 (the interface's own)"),
    "platform.signature.hmac": LocalizedText(
        "HMAC-SHA256（更安全，平台须支持）", "HMAC-SHA256 (stronger; the platform must support it)"
    ),
    "platform.signature.hint": LocalizedText("不清楚时选 MD5", "if in doubt: MD5"),
    "platform.do": LocalizedText("保存并试连", "Save and try"),
    "next": LocalizedText("下一步：{step}", "Next: {step}"),
}
