"""What the agent shares with other programs: files, secrets, locks, errors of the operating system."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "other users can access it": "其他用户可以访问",
    "ended by a fault": "因错误中断",
    "error in the event loop": "事件循环出错",
    "the process ended by a fault": "进程因错误退出",
    '"{kind}:" names nothing; write env:NAME or file:PATH': "“{kind}:”后面没有内容；请写 env:NAME 或 file:PATH",
    "{path} is empty; write the value into it": "{path} 是空的；请把内容写入其中",
    "cannot read {path}: {reason}; fix the path or its rights": "无法读取 {path}：{reason}；请改正路径或权限",
    "{path} holds more than {limit} characters; is it the right file?": "{path} 超过 {limit} 个字符；是否选错了文件？",
    "{path} holds more than one line; write the value alone into it": "{path} 不止一行；请只写入内容本身",
    "{path} has mode {mode:04o}: other users of this machine may reach it": (
        "{path} 的权限是 {mode:04o}：本机的其他用户可以访问"
    ),
    "keep these files in a folder of your own with mode 0700": "请把这些文件放在自己的目录中，权限 0700",
    "{path} is damaged or no SQLite file ({code}); restore a backup or choose another {option}.": (
        "{path} 已损坏，或不是 SQLite 文件（{code}）；请恢复备份，或另选 {option}。"
    ),
    "{path}: {reason} ({code}); check the disk, and who else has the file open.": (
        "{path}：{reason}（{code}）；请检查磁盘，以及是否有其他程序打开了该文件。"
    ),
    "Spool": "本地缓存",
    "{name} {real} is locked by {holder}; stop it or choose another {option}.": (
        "{name} {real} 被{holder}占用；请停止它，或另选 {option}。"
    ),
    "process {number}": "进程 {number} ",
    "another process": "另一个进程",
    "Cannot lock {real}: {reason}; fix the folder's owner and mode.": (
        "无法锁定 {real}：{reason}；请改正目录的属主和权限。"
    ),
    "Cannot make {path}: {reason}; fix the folder's owner and mode or choose another {option}.": (
        "无法创建 {path}：{reason}；请改正目录的属主和权限，或另选 {option}。"
    ),
    "{path} is a SQLite file of another program; choose another {option}.": (
        "{path} 是其他程序的 SQLite 文件；请另选 {option}。"
    ),
    "{path} has schema {version}, this vipgate knows {newest}; install the newer vipgate again.": (
        "{path} 的结构版本是 {version}，本版 vipgate 只认识到 {newest}；请重新安装较新的 vipgate。"
    ),
    "its password, or what stands behind it, holds a character that means something else in an "
    "address; write @ as %40, / as %2F, ? as %3F, # as %23, % as %25, a blank as %20": (
        "密码或其后的内容含有地址中的特殊字符；@ 请写成 %40，/ 写成 %2F，? 写成 %3F，# 写成 %23，% 写成 %25，空格写成 %20"
    ),
    "No such file or directory": "没有这个文件或目录",
    "Permission denied": "权限不足",
    "Operation not permitted": "不允许此操作",
    "Is a directory": "是一个目录",
    "Not a directory": "不是目录",
    "File exists": "文件已存在",
    "No space left on device": "磁盘已满",
    "Read-only file system": "文件系统只读",
    "Input/output error": "输入输出错误",
    "Stale file handle": "文件句柄失效",
    "Too many open files": "打开的文件过多",
    "Address already in use": "端口已被占用",
    "Cannot assign requested address": "本机没有该地址",
    "Connection refused": "连接被拒绝",
    "Connection reset by peer": "连接被对方重置",
    "Connection timed out": "连接超时",
    "Network is unreachable": "网络不可达",
    "No route to host": "没有到主机的路由",
    "Name or service not known": "域名无法解析",
    "Temporary failure in name resolution": "域名解析暂时失败",
    "No address associated with hostname": "域名没有对应的地址",
    "timed out": "超时",
    "All connection attempts failed": "所有连接尝试都失败了",
    "Server disconnected without sending a response.": "服务器没有应答就断开了连接。",
}
