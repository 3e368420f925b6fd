"""The configuration file: what is wrong in it."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    " or ": " 或 ",
    "Cannot read {path}: {reason}; vipgate agent init writes one.": (
        "无法读取 {path}：{reason}；可用 vipgate agent init 生成。"
    ),
    "{path} has more than {limit} bytes; that is no configuration.": "{path} 超过 {limit} 字节，不是配置文件。",
    "{path} is {fault}.": "{path}：{fault}。",
    "{path} is not UTF-8 at byte {start}; save it as UTF-8.": (
        "{path} 第 {start} 字节处不是 UTF-8 编码；请另存为 UTF-8。"
    ),
    "{path} is not valid TOML: {reason}.": "{path} 不符合 TOML 格式：{reason}。",
    'must be "md5" or "hmac"': '应为 "md5" 或 "hmac"',
    "must begin with http:// or https://": "应以 http:// 或 https:// 开头",
    "give either database or file": "database 和 file 必须且只能写一个",
    "give either table or query": "table 和 query 必须且只能写一个",
    "a file has neither table nor query; leave it out": "文件没有 table 和 query，请删去",
    "a file has none: its rows are compared with what was sent": "文件没有游标（各行与已发送的内容比较），请删去",
    "a file has none; leave it out": "文件没有此项，请删去",
    "must be one character, and neither a quote nor the end of a line": "应为一个字符，不能是引号或换行",
    'must be ["time of the last change", "id"], or one column that only grows; [["changed", '
    '"created"], "id"] takes the first of the two that is not NULL': (
        '应为 ["最后修改时间", "编号"]，或只增不减的一列；[["修改时间", "创建时间"], "编号"] 取两者中第一个不为 NULL 的'
    ),
    'must be the columns that identify a row: "id" or ["lot", "id"]': '应为能区分各行的列："编号" 或 ["车场", "编号"]',
    "is no time zone; for example Asia/Shanghai": "不是时区，例如 Asia/Shanghai",
    "is missing: the interface wants it": "缺少，接口要求此字段",
    "is missing: the interface wants it; did you mean it by {name}?": "缺少，接口要求此字段；{name} 是否就是它？",
    'must be a column\'s name, { column = "…" } or { constant = … }': (
        '应为列名、{ column = "…" } 或 { constant = … }'
    ),
    "give either column or constant": "column 和 constant 必须且只能写一个",
    "only {member} has one; leave it out": "只有 {member} 可以写此项，请删去",
    "must be true or false": "应为 true 或 false",
    'must be a table like { "蓝" = 1 }': '应为 { "蓝" = 1 } 这样的表',
    "has one code twice, blanks aside": "去掉首尾空格后有重复的编码",
    'must be that of strptime, with the year: %Y-%m-%d %H:%M:%S, or "s", "ms", "d" or "excel"': (
        '应为 strptime 的格式，且含年份：%Y-%m-%d %H:%M:%S，或 "s"、"ms"、"d"、"excel"'
    ),
    "must be one of {units}": "应为其中之一：{units}",
    "this member has none; leave it out": "此字段没有单位，请删去",
    "only times have one; leave it out": "只有时间字段可以写此项，请删去",
    "a constant is sent as it is; leave this out, and write it as the interface wants it": (
        "固定值原样发送；请删去此项，并按接口的要求写固定值"
    ),
    "give one of codes, unit and format: each says how the column is read": (
        "codes、unit、format 只能写一个：它们都说明如何读取此列"
    ),
    "give in = […], not_in = […] or both": "请写 in = […] 或 not_in = […]，也可以两个都写",
    "has a value that is in `in`, too": "有一个值同时写在 in 中",
    "must be a list of texts or numbers": "应为由文本或数字组成的列表",
    "{place}: {remedy}, got {value!r}": "{place}: {remedy}，现为 {value!r}",
    " (cannot read {name}: {reason})": "（无法读取 {name}：{reason}）",
    " ({name} holds more than {limit} characters and was not read)": "（{name} 超过 {limit} 个字符，没有读取）",
    "the variable {name} is not set; set it, or write {name}=… into {path}{trouble}, or use file:PATH": (
        "没有设置环境变量 {name}；请设置，或在 {path} 中写 {name}=…{trouble}，或改用 file:PATH"
    ),
    "there is no such setting; known: {names}": "没有此设置；可用的有：{names}",
    "there is no such setting; did you mean {name}?": "没有此设置；是否为 {name}？",
    "the table [{key}] is missing": "缺少 [{key}] 一节",
    "must be a table, [{key}]": "应为一节：[{key}]",
    "must be written as [[{key}]]": "应写成 [[{key}]]",
    "is missing": "缺少此项",
    "must be a path": "应为路径",
    "fix it in {path}": "请在 {path} 中更正",
    "must be a text of 1 to {limit} characters": "应为 1 到 {limit} 个字符的文本",
    "must be a whole number from {low} to {high}": "应为 {low} 到 {high} 的整数",
    "must be a whole number of at least {low}": "应为不小于 {low} 的整数",
    "must be a number from {low:g} to {high:g}": "应为 {low:g} 到 {high:g} 的数字",
    "must be a text or a number": "应为文本或数字",
    "must be a text: env:NAME, file:PATH, or the value itself": "应为文本：env:NAME、file:PATH，或直接写内容",
}
