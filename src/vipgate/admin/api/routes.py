"""The route table of the read API: path, scope, parameters, response and handler of each endpoint."""

from __future__ import annotations

from typing import Final

from vipgate.admin.api import change_feed, exports, handlers, requests, responses
from vipgate.admin.api.endpoint import AnyEndpoint, Endpoint, answering
from vipgate.i18n import LocalizedText

BASE: Final = "/api/v1"
_PARK: Final = "/parks/{park_uuid}"
_WHOLE: Final = LocalizedText(
    "按最近变更由旧到新; 内容取自开始导出的一刻. 明文车牌的导出记入审计日志.",
    "Oldest change first, as the park was when the export began. An export of plates in the clear is noted in the audit log.",
)

VERBS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        name="listParks",
        path="/parks",
        scope="parks",
        params=requests.AskParks,
        returns=responses.ParksAnswer,
        summary=LocalizedText("车场列表", "Parks"),
        detail=LocalizedText(
            "按 park_uuid 排序; 单车场令牌只见其车场.", "In the order of park_uuid; a token of one park sees that one."
        ),
        handler=answering(handlers.parks),
    ),
    Endpoint(
        name="getPark",
        path=_PARK,
        scope="parks",
        params=requests.AskPark,
        returns=responses.ParkMembers,
        summary=LocalizedText("一个车场", "A park"),
        detail=LocalizedText("存量, 最近推送, 密钥使用情况.", "Its stock, its last push, and which secret it used."),
        handler=answering(handlers.park),
    ),
    Endpoint(
        name="listRenewals",
        path=_PARK + "/renewals",
        scope="renewals",
        params=requests.AskRecords,
        returns=responses.RecordsAnswer,
        summary=LocalizedText("车场的续费记录", "Renewals of a park"),
        detail=LocalizedText(
            "当前记录, 最近变更在前. 无索引的条件每页只查看有限条数, 页面可能不满或为空; 只要有 next 就继续.",
            "Current ones, newest change first. Where no index answers, a page looks at a bounded number of records and can be "
            "short or empty; go on while there is a next.",
        ),
        handler=answering(handlers.records),
    ),
    Endpoint(
        name="exportRenewalsCsv",
        path=_PARK + "/renewals.csv",
        scope="renewals",
        params=requests.AskPark,
        media=exports.CSV,
        summary=LocalizedText("整个车场导出为 CSV", "A whole park as CSV"),
        detail=LocalizedText(
            f"UTF-8 带 BOM; 形似公式的文本前加撇号. {_WHOLE.zh}",
            f"UTF-8 with a BOM; a text like a formula gets an apostrophe before it. {_WHOLE.en}",
        ),
        handler=exports.serve_export("csv", exports.CSV, exports.write_csv),
    ),
    Endpoint(
        name="exportRenewalsParquet",
        path=_PARK + "/renewals.parquet",
        scope="renewals",
        params=requests.AskPark,
        media=exports.PARQUET,
        summary=LocalizedText("整个车场导出为 Parquet", "A whole park as Parquet"),
        detail=LocalizedText(
            f"需平台安装 pyarrow, 否则 501. {_WHOLE.zh}", f"Needs pyarrow on the platform, else 501. {_WHOLE.en}"
        ),
        handler=exports.serve_export("parquet", exports.PARQUET, exports.write_parquet),
    ),
    Endpoint(
        name="getRenewal",
        path=_PARK + "/renewals/{pay_partner}",
        scope="renewals",
        params=requests.AskRecord,
        returns=responses.RecordAnswer,
        summary=LocalizedText("一条续费记录及其历史", "A renewal and its history"),
        detail=LocalizedText("订单号中的 / 写作 %2F.", "A / in an order number is written %2F."),
        handler=answering(handlers.record),
    ),
    Endpoint(
        name="listVehicles",
        path=_PARK + "/vehicles",
        scope="vehicles",
        params=requests.AskVehicles,
        returns=responses.VehiclesAnswer,
        summary=LocalizedText("车辆当前状态", "What is valid now, by plate and card"),
        detail=LocalizedText(
            "按车牌排序; 受限令牌按最近变更, 最新在前, 页面可能不满或为空, 只要有 next 就继续. 有车牌的记录只计入车牌.",
            "In the order of plates; for a masked token newest change first, where a page can be short or empty: go on while "
            "there is a next. A record with a plate counts for its plate alone.",
        ),
        handler=answering(handlers.vehicles),
    ),
    Endpoint(
        name="findRenewals",
        path="/renewals",
        scope="renewals",
        params=requests.AskFound,
        returns=responses.FoundAnswer,
        summary=LocalizedText("在所有车场查找续费记录", "Renewals of all parks"),
        detail=LocalizedText(
            "须有 plate, plate_prefix, pay_partner 或 card.", "Needs plate, plate_prefix, pay_partner or card."
        ),
        handler=answering(handlers.found_records),
    ),
    Endpoint(
        name="listRequests",
        path="/requests",
        scope="requests",
        params=requests.AskRequests,
        returns=responses.RequestsAnswer,
        summary=LocalizedText("请求日志", "Requests"),
        detail=LocalizedText("最新在前.", "Newest first."),
        handler=answering(handlers.requests),
    ),
    Endpoint(
        name="getRequest",
        path="/requests/{seqno}",
        scope="requests",
        params=requests.AskRequest,
        returns=responses.RequestMembers,
        summary=LocalizedText("一个请求", "A request"),
        detail=LocalizedText("按应答中的 seqno.", "By the seqno of its answer."),
        handler=answering(handlers.request),
    ),
    Endpoint(
        name="getTotals",
        path="/totals",
        scope="totals",
        params=requests.AskTotals,
        returns=responses.TotalsAnswer,
        summary=LocalizedText("按日合计", "Totals by day"),
        detail=LocalizedText(
            "北京日; 记录与金额按支付方式, 应答按代码. 至多 400 天.",
            "Beijing days: records and money by pay type, answers by code. 400 days at most.",
        ),
        handler=answering(handlers.totals),
    ),
    Endpoint(
        name="listChanges",
        path="/changes",
        scope="changes",
        params=requests.AskChanges,
        returns=responses.ChangesAnswer,
        summary=LocalizedText("车场变更流", "Change feed of a park"),
        detail=LocalizedText(
            "不遗漏, 不乱序: 处理 items 后保存 next, 再以 after=next 继续; 多次变更的记录可能只见其最新版本. "
            "首项为 replaced 时, 先丢弃该车场的全部记录. 单车场令牌可省略 park_uuid.",
            "Leaves nothing out and keeps the order: work on the items, keep next, go on with after=next. Of a record that "
            "changed several times you may see the newest version only. Where the first item is replaced, drop all records of "
            "the park first. A token of one park may leave out park_uuid.",
        ),
        handler=change_feed.serve_changes,
    ),
)
