"""Texts of the status page."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "sum.never": LocalizedText(
        "代理还没有运行过，尚未发送任何记录。", "The agent has not run yet: nothing has been sent."
    ),
    "sum.starting": LocalizedText("代理正在启动。", "The agent is starting."),
    "sum.stopped": LocalizedText(
        "代理没有运行，现在什么也不发送。最后一次活动在 {ago}前，当时有 {n} 条在等待发送。",
        "The agent is not running: nothing is sent now. It was last active {ago} ago. Records waiting then: {n}.",
    ),
    "outdated": LocalizedText(
        "设置在代理启动后有更改：代理仍按原来的映射运行，停止并重新启动后生效。",
        "The settings were changed since the agent was started: it runs by the former mapping. Stop and start it.",
    ),
    "sum.ended": LocalizedText(
        "代理已停止，现在什么也不发送。停止于 {ago}前，有 {n} 条在等待发送。",
        "The agent was stopped: nothing is sent now. That was {ago} ago. Records waiting then: {n}.",
    ),
    "sum.trouble": LocalizedText(
        "代理在运行，但有故障（见下）；{n} 条记录在等待，故障排除后自动发送。",
        "The agent runs, but there is trouble (see below). Records that wait, and are sent once it is over: {n}.",
    ),
    "sum.snapshot": LocalizedText(
        "正在发送存量：已完成 {done} 条，共 {total} 条，{left}。",
        "Sending the snapshot: {done} of {total} done, {left}.",
    ),
    "sum.snapshot.open": LocalizedText(
        "正在发送存量：已完成 {done} 条，总数尚不知道。",
        "Sending the snapshot: {done} done, their total is not known yet.",
    ),
    "sum.left": LocalizedText("按现在的速度约剩 {span}", "about {span} left at the present rate"),
    "sum.left.unknown": LocalizedText("剩余时间暂时无法估计", "the time left cannot be estimated now"),
    "sum.backlog": LocalizedText(
        "代理在运行，{n} 条变更在等待发送。", "The agent runs. Changes that wait to be sent: {n}."
    ),
    "sum.sent": LocalizedText(
        "读到的记录都已发送到平台；整个数据源还没有读完一遍。",
        "The records read so far are on the platform; the whole source has not been read yet.",
    ),
    "sum.sent.dead": LocalizedText(
        "读到的记录都已发送到平台，只有 {dead} 行被拒绝（见死信）；整个数据源还没有读完一遍。",
        "The records read so far are on the platform, except {dead} rejected rows (see dead letters); the whole source has not "
        "been read yet.",
    ),
    "sum.all": LocalizedText(
        "数据源的 {n} 行都已读过并核对，{passing}应发送的续费记录全部在平台上。",
        "The {n} rows of the source were read and compared: every renewal that is to be sent{passing} is on the platform.",
    ),
    "sum.all.dead": LocalizedText(
        "数据源的 {n} 行都已读过并核对；除 {dead} 行被拒绝（见死信）外，{passing}应发送的续费记录都在平台上。",
        "The {n} rows of the source were read and compared: every renewal that is to be sent{passing} is on the platform, "
        "except {dead} rejected rows (see dead letters).",
    ),
    "sum.passing": LocalizedText("符合过滤条件、", " (those that pass the filters)"),
    "fact.last": LocalizedText("最近一次发送：{ago}前", "Last sent: {ago} ago"),
    "fact.compared": LocalizedText(
        "代理最近一次重读并核对整个数据源：{ago}前完成", "The agent last read and compared the whole source {ago} ago"
    ),
    "fact.not_compared": LocalizedText(
        "代理还没有把整个数据源读完一遍", "Not all rows of the source have been compared yet"
    ),
    "fact.missed": LocalizedText(
        "有 {n} 处变更是重读整个数据源才发现的：修改时间没有随之更新",
        "{n} changes were found only by reading the whole source: their time of change had not moved",
    ),
    "state.on": LocalizedText("运行中", "Running"),
    "state.ending": LocalizedText("正在停止", "Ending"),
    "state.off": LocalizedText("未运行", "Not running"),
    "tile.rate": LocalizedText("速度", "Rate"),
    "tile.rate.unit": LocalizedText("条/秒", "a second"),
    "tile.waiting": LocalizedText("等待发送", "Waiting"),
    "tile.lag": LocalizedText("最久等待", "Longest wait"),
    "tile.dead": LocalizedText("死信", "Dead letters"),
    "trouble": LocalizedText("故障", "Trouble"),
    "trouble.since": LocalizedText("自 {time} 起", "since {time}"),
    "trouble.check": LocalizedText(
        "看不懂或无法排除时，在设置中的“启动”一步可以逐项检查。",
        "If this does not help, the last step of the set-up checks every part.",
    ),
    "trouble.past": LocalizedText("上一次故障（已恢复）", "Last trouble (over)"),
    "trouble.past.when": LocalizedText("{since} 至 {until}", "{since} to {until}"),
    "warnings": LocalizedText("提醒", "Warnings"),
    "hour": LocalizedText("最近一小时", "The last hour"),
    "chart.sent": LocalizedText("发送的记录（每 2 分钟）", "Records sent (per 2 minutes)"),
    "chart.backlog": LocalizedText("等待发送（2 分钟内最多）", "Records waiting (most in 2 minutes)"),
    "requests": LocalizedText("最近的请求", "Last requests"),
    "requests.none": LocalizedText("还没有请求", "No request yet"),
    "request.at": LocalizedText("时间", "Time"),
    "request.rows": LocalizedText("行数", "Rows"),
    "request.result": LocalizedText("结果", "Result"),
    "request.stored": LocalizedText("已入库（1001）", "stored (1001)"),
    "agent": LocalizedText("启动与停止", "Start and stop"),
    "agent.start": LocalizedText("启动代理", "Start the agent"),
    "agent.start.hint": LocalizedText(
        "代理在后台运行，关闭本页面后继续发送；重启机器后不会自动启动。长期运行请不要在这里启动，而是安装为服务"
        "（Windows：在管理员命令行中执行）：",
        "The agent runs in the background and goes on when this page is closed, but not after a restart of the machine. To let "
        "it run for good, do not start it here but install the service (Windows: in a console of the administrator):",
    ),
    "agent.reboot": LocalizedText(
        "代理已在后台运行，但重启机器后不会自动启动，除非安装为服务：先在这里停止代理，再执行（Windows：在管理员命令行中）：",
        "The agent runs in the background, but a restart of the machine ends it unless the service is installed: stop the agent "
        "here, then run (Windows: in a console of the administrator):",
    ),
    "agent.reboot.service": LocalizedText(
        "重启机器后由服务 {name} 启动代理。", "After a restart of the machine the service {name} starts the agent."
    ),
    "agent.service": LocalizedText(
        "已安装服务 {name}，请用下面的命令启动：", "The service {name} is installed; start it by:"
    ),
    "agent.stop": LocalizedText("停止代理", "Stop the agent"),
    "agent.stop.hint": LocalizedText(
        "此代理由本页面启动。停止后不再发送；再次启动时从停下的地方继续。",
        "This page has started the agent. Once stopped it sends nothing; started again it goes on where it was.",
    ),
    "agent.ending": LocalizedText(
        "代理正在停止：等已发出的请求有了应答就结束。",
        "The agent is ending: it waits for the answers to its last requests.",
    ),
    "agent.runs": LocalizedText(
        "代理由服务或另一个命令行启动，请在那里停止。",
        "A service or another window has started the agent: stop it there.",
    ),
    "done.started": LocalizedText("代理已启动", "The agent was started"),
    "done.stopped": LocalizedText("代理已停止", "The agent was stopped"),
    "done.stopping": LocalizedText("代理已收到停止的命令，正在结束", "The agent was told to stop, and is ending"),
    "refreshes.stop": LocalizedText("停止刷新", "Stop reloading"),
    "refreshes.again": LocalizedText("恢复自动刷新", "Reload by itself again"),
    "refreshes": LocalizedText("本页每 5 秒自动刷新。", "This page reloads every 5 seconds."),
}
