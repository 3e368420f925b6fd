"""Texts of accounts, sessions, tokens and the audit log."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "role.reader.may": LocalizedText("查看所有页面", "views all pages"),
    "role.operator.may": LocalizedText(
        "另可管理车场：密钥、恢复、复核、重放", "also manages parks: secrets, restores, reviews, replays"
    ),
    "role.admin.may": LocalizedText(
        "另可管理账号、令牌、操作日志，清除个人数据", "also manages accounts, tokens, the audit log and erasure"
    ),
    "account.role": LocalizedText("角色", "Role"),
    "account.plates": LocalizedText("完整车牌", "Plates"),
    "account.plates.yes": LocalizedText("可以显示", "may be shown"),
    "account.plates.no": LocalizedText("始终隐藏", "always masked"),
    "account.plates.may": LocalizedText("可以显示完整车牌", "May show plates"),
    "account.plates.hint": LocalizedText("每次显示都记入操作日志", "each use is recorded in the audit log"),
    "account.state": LocalizedText("状态", "State"),
    "account.enabled": LocalizedText("启用", "enabled"),
    "account.disabled": LocalizedText("已停用", "disabled"),
    "account.created": LocalizedText("创建时间", "Created"),
    "account.last_login": LocalizedText("最近登录", "Last login"),
    "account.password": LocalizedText("密码", "Password"),
    "account.password.old": LocalizedText("当前密码", "Current password"),
    "account.password.change": LocalizedText("更改密码", "Change the password"),
    "account.password.note": LocalizedText("更改后，其他会话全部退出", "This ends all other sessions"),
    "account.sessions": LocalizedText("登录会话", "Sessions"),
    "account.sessions.end_all": LocalizedText("全部退出", "End all"),
    "account.rights": LocalizedText("权限", "Rights"),
    "account.may_login": LocalizedText("允许登录", "May log in"),
    "account.own": LocalizedText(
        "这是您自己的账号，权限须由另一位管理员更改。",
        "This is your own account; only another administrator can change its rights.",
    ),
    "account.change.note": LocalizedText(
        "更改角色或停用后，该账号的会话立即退出",
        "A change of role, or disabling the account, ends its sessions at once",
    ),
    "account.reset": LocalizedText("重置密码", "Reset the password"),
    "account.reset.lead": LocalizedText(
        "生成一个新的初始密码，只显示一次。", "Creates a new initial password and shows it once."
    ),
    "account.reset.sure": LocalizedText(
        "{name} 的当前密码和所有会话立即失效。", "The current password and all sessions of {name} end at once."
    ),
    "account.reset.do": LocalizedText("重置密码", "Reset the password"),
    "accounts.add": LocalizedText("新建账号", "Create an account"),
    "accounts.add.note": LocalizedText(
        "初始密码由系统生成，创建后显示一次", "An initial password is generated and shown once"
    ),
    "session.since": LocalizedText("登录时间", "Since"),
    "session.seen": LocalizedText("最近使用", "Last used"),
    "session.this": LocalizedText("当前会话", "this one"),
    "session.end": LocalizedText("退出", "End it"),
    "session.none": LocalizedText("没有登录会话", "Not logged in anywhere"),
    "secret_shown.user.title": LocalizedText("账号已创建", "The account is created"),
    "secret_shown.user.lead": LocalizedText(
        "这是初始密码，请本人登录后立即更改。",
        "This is the initial password; its owner should change it after the first login.",
    ),
    "secret_shown.user.subject": LocalizedText("账号", "Name"),
    "secret_shown.password.title": LocalizedText("密码已重置", "Password reset"),
    "secret_shown.password.lead": LocalizedText(
        "这是新的初始密码，请本人登录后立即更改。",
        "This is the new initial password; its owner should change it after the login.",
    ),
    "secret_shown.password.subject": LocalizedText("账号", "Name"),
    "secret_shown.token.title": LocalizedText("令牌已创建", "The token is created"),
    "secret_shown.token.lead": LocalizedText(
        "调用接口时放在请求头 Authorization: Bearer 之后。",
        "Send it in the request header: Authorization: Bearer, then the token.",
    ),
    "secret_shown.token.subject": LocalizedText("名称", "Name"),
    "tokens.add": LocalizedText("新建令牌", "Create a token"),
    "tokens.none": LocalizedText("还没有令牌", "No tokens yet"),
    "tokens.docs": LocalizedText("查询接口文档", "Read API documentation"),
    "token.name": LocalizedText("名称", "Name"),
    "token.name.hint": LocalizedText("哪个系统使用，例如“财务对账”", "Which system uses it"),
    "token.scopes": LocalizedText("范围", "Scopes"),
    "token.park": LocalizedText("仅限车场（park_uuid）", "One park only (park_uuid)"),
    "token.park.hint": LocalizedText("留空则可读取全部车场", "Empty: all parks"),
    "token.all_parks": LocalizedText("全部车场", "all parks"),
    "token.masked": LocalizedText("隐藏", "masked"),
    "token.clear": LocalizedText("完整", "full"),
    "token.masked.tick": LocalizedText("隐藏车牌和卡号", "Mask plates and cards"),
    "token.used": LocalizedText("最近使用", "Last used"),
    "token.revoke": LocalizedText("停用", "Revoke"),
    "token.revoke.do": LocalizedText("停用令牌 {name}", "Revoke the token {name}"),
    "token.revoked": LocalizedText("已停用", "revoked"),
    "scope.parks": LocalizedText("车场", "parks"),
    "scope.renewals": LocalizedText("续费记录", "renewals"),
    "scope.vehicles": LocalizedText("车辆", "vehicles"),
    "scope.requests": LocalizedText("请求", "requests"),
    "scope.totals": LocalizedText("汇总", "totals"),
    "scope.changes": LocalizedText("变更流", "changes"),
    "scope.metrics": LocalizedText("监控指标", "metrics"),
    "audit.at": LocalizedText("时间", "When"),
    "audit.who": LocalizedText("操作者", "Who"),
    "audit.what": LocalizedText("操作", "Action"),
    "audit.park": LocalizedText("车场（park_uuid）", "Park (park_uuid)"),
    "audit.subject": LocalizedText("对象", "Subject"),
    "audit.detail": LocalizedText("详情", "Detail"),
    "audit.peer": LocalizedText("来源地址", "Client address"),
    "audit.login": LocalizedText("登录", "logged in"),
    "audit.logout": LocalizedText("退出", "logged out"),
    "audit.user.first": LocalizedText("创建第一个账号", "created the first account"),
    "audit.user.add": LocalizedText("新建账号", "created an account"),
    "audit.user.change": LocalizedText("更改账号", "changed an account"),
    "audit.user.password": LocalizedText("更改密码", "changed a password"),
    "audit.user.rehash": LocalizedText("更新密码存储强度", "rehashed a stored password"),
    "audit.user.language": LocalizedText("更改语言", "changed the language"),
    "audit.user.sessions_end": LocalizedText("退出账号的全部会话", "ended all sessions of an account"),
    "audit.session.end": LocalizedText("退出一个会话", "ended a session"),
    "audit.token.add": LocalizedText("新建令牌", "created a token"),
    "audit.token.revoke": LocalizedText("停用令牌", "revoked a token"),
    "audit.plates.show": LocalizedText("显示完整车牌", "showed plates"),
    "audit.plates.hide": LocalizedText("隐藏车牌", "hid plates"),
    "audit.park.add": LocalizedText("登记车场", "registered a park"),
    "audit.park.change": LocalizedText("更改车场设置", "changed a park"),
    "audit.park.rotate_secret": LocalizedText("更换密钥", "rotated a secret"),
    "audit.park.retire_secret": LocalizedText("停用旧密钥", "retired an old secret"),
    "audit.park.allow_replace": LocalizedText("允许重复的 complete=1", "approved a held replace"),
    "audit.park.disallow_replace": LocalizedText(
        "撤回对重复的 complete=1 的允许", "withdrew the approval of a held replace"
    ),
    "audit.park.dismiss_replace": LocalizedText("忽略被暂扣的 complete=1", "dismissed a held replace"),
    "audit.park.restore": LocalizedText("恢复存量批次", "restored a generation"),
    "audit.park.retention": LocalizedText("更改保留天数", "changed a retention"),
    "audit.park.charge_address": LocalizedText("更改车场接口地址", "changed the address of a park's gateway"),
    "audit.masked.flood": LocalizedText("车牌隐藏时查找过多", "searched too often while plates were hidden"),
    "audit.plate.erase": LocalizedText("清除车牌", "erased a plate"),
    "audit.rekey": LocalizedText("更换主密钥", "rotated the master key"),
    "audit.export": LocalizedText("导出记录", "exported records"),
    "audit.record.review": LocalizedText("复核记录", "reviewed a record"),
    "done.password_changed": LocalizedText("密码已更改", "The password is changed"),
    "done.session_ended": LocalizedText("会话已退出", "The session has ended"),
    "done.sessions_ended": LocalizedText("该账号已全部退出", "The account is logged out everywhere"),
    "done.user_saved": LocalizedText("账号已更改", "The account is saved"),
    "done.token_revoked": LocalizedText("令牌已停用", "The token is revoked"),
    "nav.erase": LocalizedText("清除车牌", "Erase a plate"),
    "erase.note.1": LocalizedText(
        "这个车牌的全部记录和历史版本（包括可恢复的存量批次）都会清空车牌、卡号、操作员和未定义字段。",
        "All records and versions of the plate, also in restorable generations, lose plate, cards, operator and extras.",
    ),
    "erase.note.2": LocalizedText(
        "订单号、时间、金额和统计不变；提到这个车牌的被拒绝请求，其提示和正文一并清除。",
        "Order numbers, times, money and totals stay. Hints and bodies of rejected requests that mention the plate are erased.",
    ),
    "erase.note.3": LocalizedText(
        "无法撤销。备份（以及 PostgreSQL 的归档日志和尚未 VACUUM 的旧版本）中仍有原数据；"
        "车场更改后再推送，或以 complete=1 推送时，车牌会重新出现。",
        "This cannot be undone. Backups still contain the data (also PostgreSQL's archived log, and row versions before a VACUUM). "
        "The plate comes back if the park pushes a changed record or a complete=1.",
    ),
    "erase.park.hint": LocalizedText("留空则在全部车场中清除", "Empty: in all parks"),
    "erase.go_on": LocalizedText("继续…", "Continue…"),
    "erase.again": LocalizedText(
        "请再次确认：清除车牌 {plate}。目前在 {parks} 个车场有它的记录。",
        "Please confirm: erase the plate {plate}. Parks with current records of it: {parks}.",
    ),
    "erase.do": LocalizedText("清除 {plate}", "Erase {plate}"),
    "erase.done": LocalizedText("车牌 {plate} 已清除", "The plate {plate} is erased"),
    "erase.left": LocalizedText(
        "数据库旁的日志文件（-wal）中暂时仍有已清除的数据：有查询（导出、备份）正在读取旧状态。"
        "它结束后一小时内由网关自动清空，也可以届时再清除一次。",
        "The write-ahead log (-wal) next to the database still contains the erased data: a query (export, backup) reads an older "
        "state. The gateway empties the log within an hour after that query ends; or erase the plate again then.",
    ),
    "erase.records": LocalizedText("当前记录", "Current records"),
    "erase.versions": LocalizedText("历史版本", "Versions"),
    "erase.requests": LocalizedText("被拒绝的请求", "Rejected requests"),
    "erase.another": LocalizedText("清除另一个车牌", "Erase another plate"),
}
