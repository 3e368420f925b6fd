"""The platform: connections, answers, the comparison of both sides, metrics."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "more than {limit} records in one push; send them in several": "一次推送超过 {limit} 条记录；请分几次发送",
    "the answer has no payload": "应答中没有 payload",
    "cannot connect to {url}: {reason}": "无法连接 {url}：{reason}",
    "no answer from {url}: {reason}": "{url} 没有应答：{reason}",
    'The platform\'s url must begin with http:// or https://, got "{url}".': (
        "平台地址应以 http:// 或 https:// 开头，现为“{url}”。"
    ),
    'The platform\'s url must be an address such as https://platform.example:8080, got "{url}".': (
        "平台地址应为 https://platform.example:8080 这样的地址，现为“{url}”。"
    ),
    "Cannot read certificates in {ca_file}: {reason}; platform.ca_file must be a PEM file.": (
        "无法从 {ca_file} 读取证书：{reason}；platform.ca_file 应为 PEM 文件。"
    ),
    "HTTP {status} with an answer of over {limit} bytes": "HTTP {status}，应答超过 {limit} 字节",
    "HTTP {status} with an answer that has no end after {limit_s:g} s": ("HTTP {status}，{limit_s:g} 秒内没有收完应答"),
    "nowhere": "未注明的地址",
    "HTTP {status} leads to {place}: a push is not sent there; fix the platform's url": (
        "HTTP {status} 重定向到 {place}：不会向那里推送；请改正 platform.url"
    ),
    "HTTP {status} without the interface's envelope: {text}": "HTTP {status}，不是接口规定的应答格式：{text}",
    "empty": "空",
    "The platform's digest path answers otherwise than docs/digest.md has it: {reason}; ask its operator.": (
        "平台的摘要查询应答与 docs/digest.md 不符：{reason}；请联系平台运营方。"
    ),
    "The platform's list of records does not go on: next is {next} after {after}.": (
        "平台的记录列表没有往后翻页：{after} 之后的 next 是 {next}。"
    ),
    "cannot write {path}: {reason}; fix metrics.file, or its folder's owner and mode": (
        "无法写入 {path}：{reason}；请改正 metrics.file，或其目录的属主和权限"
    ),
    "metrics file not written": "指标文件没有写成",
    "Cannot listen on {host}:{port}: {reason}; fix metrics.port.": (
        "无法监听 {host}:{port}：{reason}；请改正 metrics.port。"
    ),
    "nothing serves the figures any more: {reason}": "指标端口已停止服务：{reason}",
    "the thread that served the figures had ended; another serves them": "指标端口的线程曾经退出，已由新线程接替",
    "metrics server ended": "指标端口中断",
}
