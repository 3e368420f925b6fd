"""Chinese of the page's command, of its process and of what the set-up says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    "Show the agent in a browser on this machine: set-up, status, dead letters, comparison.": (
        "在本机的浏览器中设置和查看代理：设置、运行情况、死信、核对。"
    ),
    "The agent's TOML file; the page writes it if it does not exist.": "代理的 TOML 配置文件；不存在时由页面写出。",
    "Port on 127.0.0.1; 0: any free port.": "127.0.0.1 上的端口；0：任意空闲端口。",
    "Only print the link.": "只显示链接，不打开浏览器。",
    "Open this link in a browser on this machine; it works once:\n  {link}": (
        "请在本机的浏览器中打开下面的链接（只能用一次）：\n  {link}"
    ),
    "Cannot listen on port {port}: {reason}; choose another --port.": "无法监听端口 {port}：{reason}；请用 --port 换一个端口。",
    "The page was not used for 12 hours and has ended. Run the command again to open it.": (
        "页面 12 小时无人使用，已结束。需要时请再次运行该命令。"
    ),
    "The page has ended.": "页面已结束。",
    "The agent goes on.": "代理继续运行。",
    "The agent is not running: nothing is sent.": "代理没有运行：不发送任何记录。",
    "vipgate agent run ended with status {status}; look into its log.": "vipgate agent run 已退出，状态 {status}；请查看它的日志。",
    'In the background the agent needs a log file: add [log] file = "park.log" to {path}.': (
        '代理在后台运行需要日志文件：请在 {path} 中加上 [log] file = "park.log"。'
    ),
    "{path} has more than {n} bytes; that is no configuration.": "{path} 超过 {n} 字节，不是配置文件。",
    "{path} cannot be read: {reason}; fix or move it.": "无法读取 {path}：{reason}；请修复或移走它。",
    "{name} must be one line without blanks or quotes at its ends.": "{name} 应为一行，首尾没有空格和引号。",
    "{path} is too long; shorten it.": "{path} 过长；请精简。",
    "Cannot write {path}: {reason}; give the agent's user the right to write its folder.": (
        "无法写入 {path}：{reason}；请让代理的用户可以写它所在的文件夹。"
    ),
    "The tables of {where} cannot be listed: {reason}; write the table's name.": (
        "无法列出 {where} 的表：{reason}；请直接填写表名。"
    ),
    "page failed": "页面出错",
    "preload failed": "预先加载失败",
}
