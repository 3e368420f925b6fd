"""The route table of the read API: path, scope, parameters, response and handler of each endpoint."""

from __future__ import annotations

from typing import Final

from vipgate.admin.api import change_feed, exports, handlers, requests, responses
from vipgate.admin.api.endpoint import AnyEndpoint, Endpoint, answering
from vipgate.i18n import LocalizedText

BASE: Final = "/api/v1"
_PARK: Final = "/parks/{park_uuid}"
_WHOLE: Final = LocalizedText(
    "按最近变更由旧到新; 内容取自开始导出的一刻. 含完整车牌的导出记入操作日志.",
    "Oldest change first, as of the start of the export. Exports with full plates are recorded in the audit log.",
)

ENDPOINTS: Final[tuple[AnyEndpoint, ...]] = (
    Endpoint(
        name="listParks",
        path="/parks",
        scope="parks",
        params=requests.ParksParams,
        returns=responses.ParksResponse,
        summary=LocalizedText("车场列表", "Parks"),
        detail=LocalizedText(
            "按 park_uuid 排序; 单车场令牌只能看到该车场.",
            "Sorted by park_uuid; a token for one park sees only that park.",
        ),
        handler=answering(handlers.parks),
    ),
    Endpoint(
        name="getPark",
        path=_PARK,
        scope="parks",
        params=requests.ParkParams,
        returns=responses.ParkResource,
        summary=LocalizedText("一个车场", "A park"),
        detail=LocalizedText(
            "存量批次, 最近推送, 密钥使用情况.", "Its generation, last push, and which secret it used."
        ),
        handler=answering(handlers.park),
    ),
    Endpoint(
        name="listRenewals",
        path=_PARK + "/renewals",
        scope="renewals",
        params=requests.RecordsParams,
        returns=responses.RecordsResponse,
        summary=LocalizedText("车场的续费记录", "Renewals of a park"),
        detail=LocalizedText(
            "当前记录, 最近变更在前. 无索引的条件每页只检查有限条数, 一页可能不满或为空; 只要有 next 就继续.",
            "Current records, newest change first. For filters without an index, a page checks a bounded number of records and "
            "can be short or empty; continue while `next` is not null.",
        ),
        handler=answering(handlers.records),
    ),
    Endpoint(
        name="exportRenewalsCsv",
        path=_PARK + "/renewals.csv",
        scope="renewals",
        params=requests.ParkParams,
        media=exports.CSV,
        summary=LocalizedText("整个车场导出为 CSV", "A whole park as CSV"),
        detail=LocalizedText(
            f"UTF-8 带 BOM; 形似公式的文本前加撇号. {_WHOLE.zh}",
            f"UTF-8 with a BOM; texts that look like formulas are prefixed with an apostrophe. {_WHOLE.en}",
        ),
        handler=exports.serve_export("csv", exports.CSV, exports.write_csv),
    ),
    Endpoint(
        name="exportRenewalsParquet",
        path=_PARK + "/renewals.parquet",
        scope="renewals",
        params=requests.ParkParams,
        media=exports.PARQUET,
        summary=LocalizedText("整个车场导出为 Parquet", "A whole park as Parquet"),
        detail=LocalizedText(
            f"需平台安装 pyarrow, 否则 501. {_WHOLE.zh}", f"Requires pyarrow on the platform, else 501. {_WHOLE.en}"
        ),
        handler=exports.serve_export("parquet", exports.PARQUET, exports.write_parquet),
    ),
    Endpoint(
        name="getRenewal",
        path=_PARK + "/renewals/{pay_partner}",
        scope="renewals",
        params=requests.RecordParams,
        returns=responses.RecordResponse,
        summary=LocalizedText("一条续费记录及其历史", "A renewal and its history"),
        detail=LocalizedText("订单号中的 / 写作 %2F.", "Write / in an order number as %2F."),
        handler=answering(handlers.record),
    ),
    Endpoint(
        name="listVehicles",
        path=_PARK + "/vehicles",
        scope="vehicles",
        params=requests.VehiclesParams,
        returns=responses.VehiclesResponse,
        summary=LocalizedText("车辆当前状态", "Entitlement of vehicles"),
        detail=LocalizedText(
            "按车牌排序; 受限令牌按最近变更排序, 最新在前, 一页可能不满或为空, 只要有 next 就继续. 有车牌的记录只计入车牌.",
            "Sorted by plate. For masked tokens: newest change first, and a page can be short or empty; continue while `next` is "
            "not null. A record with a plate counts only for that plate.",
        ),
        handler=answering(handlers.vehicles),
    ),
    Endpoint(
        name="findRenewals",
        path="/renewals",
        scope="renewals",
        params=requests.FoundParams,
        returns=responses.FoundResponse,
        summary=LocalizedText("在所有车场查找续费记录", "Renewals of all parks"),
        detail=LocalizedText(
            "须有 plate, plate_prefix, pay_partner 或 card.", "Requires plate, plate_prefix, pay_partner or card."
        ),
        handler=answering(handlers.found_records),
    ),
    Endpoint(
        name="listRequests",
        path="/requests",
        scope="requests",
        params=requests.RequestsParams,
        returns=responses.RequestsResponse,
        summary=LocalizedText("请求日志", "Requests"),
        detail=LocalizedText("最新在前.", "Newest first."),
        handler=answering(handlers.requests),
    ),
    Endpoint(
        name="getRequest",
        path="/requests/{seqno}",
        scope="requests",
        params=requests.RequestParams,
        returns=responses.RequestResource,
        summary=LocalizedText("一个请求", "A request"),
        detail=LocalizedText("按应答中的请求流水号 (seqno).", "By the seqno in its answer."),
        handler=answering(handlers.request),
    ),
    Endpoint(
        name="getTotals",
        path="/totals",
        scope="totals",
        params=requests.TotalsParams,
        returns=responses.TotalsResponse,
        summary=LocalizedText("按日合计", "Totals by day"),
        detail=LocalizedText(
            "北京日; 记录与金额按支付方式, 应答按代码. 至多 400 天.",
            "Beijing days: records and money by pay type, answers by code. At most 400 days.",
        ),
        handler=answering(handlers.totals),
    ),
    Endpoint(
        name="listChanges",
        path="/changes",
        scope="changes",
        params=requests.ChangesParams,
        returns=responses.ChangesResponse,
        summary=LocalizedText("车场变更流", "Change feed of a park"),
        detail=LocalizedText(
            "不遗漏, 不乱序: 处理 items 后保存 next, 再以 after=next 继续; 多次变更的记录可能只见其最新版本. "
            "首项为 replaced 时, 先丢弃该车场的全部记录. 单车场令牌可省略 park_uuid.",
            "Skips nothing and keeps the order: process the items, store `next`, continue with after=next. Of a record that "
            "changed several times you may see only the newest version. If the first item is `replaced`, drop all records of "
            "the park first. A token for one park may omit park_uuid.",
        ),
        handler=change_feed.serve_changes,
    ),
)
