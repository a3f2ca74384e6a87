import torch
from bench.work import Traffic


def test_traffic_counts_each_operand_once_and_views_not():
    with torch.device("meta"):
        x, y = torch.empty(10, 20), torch.empty(20, 30, dtype=torch.bfloat16)
    with Traffic() as traffic:
        x.t().reshape(20, 10)[:, :5].unsqueeze(0).detach()
    assert traffic.bytes == 0
    with Traffic() as traffic:
        x + x.exp()
    assert traffic.bytes == 200 * 4 * (2 + 3)
    with Traffic() as traffic:
        x.bfloat16() @ y
    assert traffic.bytes == 200 * (4 + 2) + 2 * (200 + 600 + 300)
