"""Files with sheets: why one is not read."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "delete the cells beyond the table, empty rows and columns among them, or save it as CSV": (
        "请删除表格之外的单元格（包括空行、空列），或另存为 CSV"
    ),
    "the file has {size} bytes, at most {limit} are read; save it as CSV": (
        "文件有 {size} 字节，最多读取 {limit} 字节；请另存为 CSV"
    ),
    "{name} in the file has more than {limit} bytes; save it as CSV": (
        "文件中的 {name} 超过 {limit} 字节；请另存为 CSV"
    ),
    "its cells lie in {rows} rows and {columns} columns, the farthest in {farthest}; at most {limit} "
    "cells are read; {remedy}": (
        "单元格分布在 {rows} 行、{columns} 列中，最远的是 {farthest}；最多读取 {limit} 个单元格；{remedy}"
    ),
    "it has {columns} columns, at most {limit} are read; {remedy}": "共有 {columns} 列，最多读取 {limit} 列；{remedy}",
    "the file has {count} parts, at most {limit} are read; save it as CSV": (
        "文件由 {count} 个部分组成，最多读取 {limit} 个；请另存为 CSV"
    ),
    "unpacked it has {size} bytes, at most {limit} are read; {remedy}": (
        "解压后有 {size} 字节，最多读取 {limit} 字节；{remedy}"
    ),
    "it declares entities, which no spreadsheet program does; save it again, or as CSV": (
        "其中声明了实体，表格软件不会这样写；请重新保存，或另存为 CSV"
    ),
    "all its sheets together have more than {limit} cells; {remedy}": "所有工作表合计超过 {limit} 个单元格；{remedy}",
    "open it in a spreadsheet program and save it as .xlsx": "请用表格软件打开，另存为 .xlsx",
    "it is a PDF; export it as a sheet, or as CSV": "这是 PDF；请导出为表格或 CSV",
    "it is a text document (RTF); {remedy}": "这是文字文档（RTF）；{remedy}",
    "it is a web archive (MHTML); {remedy}": "这是单个文件网页（MHTML）；{remedy}",
    "it is packed (gzip); unpack it": "这是压缩包（gzip）；请先解压",
    "it is packed (RAR); unpack it": "这是压缩包（RAR）；请先解压",
    "it is packed (7-Zip); unpack it": "这是压缩包（7-Zip）；请先解压",
    'it is an SQLite database; give it as source.database = "sqlite:///…"': (
        '这是 SQLite 数据库；请写成 source.database = "sqlite:///…"'
    ),
    "it is an Access database; give it as source.database": "这是 Access 数据库；请写在 source.database 中",
    "it is a workbook of Excel 2; {remedy}": "这是 Excel 2 的工作簿；{remedy}",
    "it is a workbook of Excel 3; {remedy}": "这是 Excel 3 的工作簿；{remedy}",
    "it is a workbook of Excel 4; {remedy}": "这是 Excel 4 的工作簿；{remedy}",
    "it is a picture": "这是图片",
    "it holds zeros alone": "内容全部是零字节",
    "it is XML of another kind than a spreadsheet's; {remedy}": "这是 XML，但不是表格；{remedy}",
    "it is neither a workbook nor text; {remedy}": "既不是工作簿，也不是文本；{remedy}",
    "more than {limit} cells hold errors or formulas without a value; open it in a spreadsheet "
    "program, correct it and save it": (
        "有错误值或没有计算结果的公式的单元格超过 {limit} 个；请用表格软件打开，改正后保存"
    ),
    "it has more than {limit} tables; save the one that is meant as a file": (
        "其中的表格超过 {limit} 个；请把需要的那个单独保存为文件"
    ),
    "it is encrypted; save it without a password": "文件已加密；请取消密码后保存",
    "it has no sheet; save it again from the program that made it": "没有工作表；请用生成它的软件重新保存",
    "it has {count} sheets, at most {limit} are read; save the one with the table as a file": (
        "有 {count} 个工作表，最多读取 {limit} 个；请把有表格的那个单独保存为文件"
    ),
    "it is text, not a workbook": "这是文本，不是工作簿",
    "row {number} has {size} bytes, at most {limit} are read; shorten its cells": (
        "第 {number} 行有 {size} 字节，最多读取 {limit} 字节；请缩短其中的单元格"
    ),
    "it holds no table; if it is a page of several files, open it in a spreadsheet program and save it as .xlsx": (
        "其中没有表格；如果是由多个文件组成的网页，请用表格软件打开，另存为 .xlsx"
    ),
    "the file has more than {limit} bytes; save it as CSV": "文件超过 {limit} 字节；请另存为 CSV",
    "it is not {encoding} ({reason})": "不是 {encoding} 编码（{reason}）",
    "line {line}: {reason}": "第 {line} 行：{reason}",
    "a part of the page has more than {limit} characters; save it as CSV": (
        "网页中的一段超过 {limit} 个字符；请另存为 CSV"
    ),
    "it declares a document type or entities, which no spreadsheet program does; save it again, or as CSV": (
        "其中声明了文档类型或实体，表格软件不会这样写；请重新保存，或另存为 CSV"
    ),
    "its table has no end": "表格没有结尾",
    "it has tables within tables, more than {limit} deep; save it as CSV": ("表格嵌套超过 {limit} 层；请另存为 CSV"),
    "row {row} has a cell of more than {limit} characters; shorten it": (
        "第 {row} 行有超过 {limit} 个字符的单元格；请缩短"
    ),
    "its elements are more than {limit} deep; save it as CSV": "元素嵌套超过 {limit} 层；请另存为 CSV",
    "the cells of row {row} are out of order; save it again from a spreadsheet program": (
        "第 {row} 行的单元格顺序错乱；请用表格软件重新保存"
    ),
}
