"""The findings of `vipgate agent check`, which the page shows, too."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "line {line} asks: {question}?": "第 {line} 行有问题待回答：{question}？",
    "answer it: correct the line, then remove the comment # ?": "请回答：改正该行，然后删去 # ? 注释",
    "{count} more questions are not answered": "另有 {count} 个问题没有回答",
    "look for # ? in the file": "请在文件中查找 # ?",
    "Spool {path} belongs to another park or source:\n  {found}\n  {mine}\nChoose another --spool.": (
        "本地缓存 {path} 属于另一个车场或数据源：\n  {found}\n  {mine}\n请另选 --spool。"
    ),
    "config": "配置",
    "rights": "权限",
    "spool": "本地缓存",
    "source": "数据源",
    "mapping": "映射",
    "network": "网络",
    "clock": "时钟",
    "signature": "签名",
    "cannot write {folder}: {reason}": "无法写入 {folder}：{reason}",
    "make the folder, or give the agent's user the right to write it": "请建立该目录，或允许运行代理的用户写入",
    "make room: the spool holds what the network cannot take": "请腾出空间：网络中断时，变更保存在本地缓存中",
    "{spool}, {free_mib} MiB free": "{spool}，剩余 {free_mib} MiB",
    "see the guide, “Cursor”": "见使用说明“游标”",
    "see the guide, “The file”": "见使用说明“配置文件”",
    "see the guide, “Files”": "见使用说明“文件”",
    "see the guide, “What is guessed, and what is asked”": "见使用说明“推测与询问”",
    "{where}, columns {columns}": "{where}，列：{columns}",
    "fix mapping or source": "请改正字段映射或数据源",
    "of all {rows} rows": "全部 {rows} 行中",
    "of the first {rows} rows": "前 {rows} 行中",
    "{rows} {ready} can be sent, {dead} cannot": "{rows}，{ready} 行可以发送，{dead} 行不能",
    "; the filters leave out {left_out}": "；过滤条件排除 {left_out} 行",
    "; {merged} are of an order number that another row has, too": "；{merged} 行与另一行订单号相同，只发送一次",
    "{n} rows, the first is {place}: {reason}": "{n} 行，第一行是{place}：{reason}",
    "{n} more rows cannot be sent": "另有 {n} 行也不能发送",
    "fix the mapping, or the row at its source": "请改正字段映射，或在数据源中改正该行",
    "a look at what is new takes longer than {seconds:g} s: not all of it was tried": (
        "读取新增内容超过 {seconds:g} 秒：没有全部试过"
    ),
    "quantity: {question}?": "数量：{question}？",
    "check platform.url, the network, a proxy, a firewall": "请检查 platform.url、网络、代理服务器和防火墙",
    "the platform takes this park's signature": "平台接受该车场的签名",
    "{reason} (seqno {seqno})": "{reason}（请求流水号 {seqno}）",
    "ask the platform, with the seqno": "请联系平台，并提供请求流水号",
    "http is not encrypted: anyone on the network path can read plates and can send a recorded push again; "
    "ask the platform for its https address": (
        "http 没有加密：传输途中的人可以读到车牌，也可以重放推送；请向平台要 https 地址"
    ),
    "an agent writes UTF-8: ask the platform to run vipgate park set PARK_UUID --charset utf-8": (
        "代理使用 UTF-8：请平台执行 vipgate park set PARK_UUID --charset utf-8"
    ),
    "check park_uuid and secret with the platform; after a rotation use the new secret; where it wants "
    'HMAC: choose it in the field “Signature” of the set-up, or write platform.signature = "hmac"': (
        "请与平台核对 park_uuid 和密钥；轮换之后用新密钥；平台要求 HMAC 时，在设置的“签名方式”中选择，"
        '或写 platform.signature = "hmac"'
    ),
    "ask the platform to put this machine's address on the park's allow list": ("请平台把本机地址加入该车场的允许列表"),
    "fix platform.url: no server at this address implements the interface": (
        "请改正 platform.url：该地址上没有实现此接口的服务器"
    ),
    "set this machine's clock (NTP)": "请校准本机时钟（NTP）",
    "set this machine's clock (NTP): a platform rejects an HMAC signature that is {seconds} s off": (
        "请校准本机时钟（NTP）：误差达到 {seconds} 秒，平台就会拒绝 HMAC 签名"
    ),
    "{difference_s:+.0f} s from the platform's": "与平台相差 {difference_s:+.0f} 秒",
    "the platform's cannot be read: {date}": "无法识别平台的时间：{date}",
}
