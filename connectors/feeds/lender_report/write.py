"""Write the off-site report of lenders: CSV in GB18030, one figure a line."""

from connectors.feeds.csvwrite import CsvForm

# Source column -> column of the records.
COLUMNS = {
    "机构编码": "institution",
    "机构名称": "name",
    "填报日期": "filled_on",  # 2026-05-08
    "期初日": "first",
    "期末日": "last",
    "项目代码": "code",  # L01 loans, L02 provision, C01 net assets
    "项目名称": "title",
    "计量单位": "unit",  # 元 or 万元
    "数值": "value",
}
FORM = CsvForm(COLUMNS, "gb18030")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
