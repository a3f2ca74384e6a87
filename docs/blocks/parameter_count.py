SIZES = {  # 차원 D, 층 수
    "Ti/16": (192, 12),
    "S/16": (384, 12),
    "B/16": (768, 12),
    "L/16": (1024, 24),
}
IMAGE, PATCH, CLASSES = 224, 16, 1000
N = (IMAGE // PATCH) ** 2 + 1  # 클래스 토큰까지


def count(D, depth):
    return {
        # 패치 투영과 편향, 클래스 토큰, 위치 임베딩
        "임베딩": 3 * PATCH**2 * D + D + D + N * D,
        "어텐션": depth * (4 * D**2 + 4 * D),  # Q·K·V와 출력 투영
        "MLP": depth * (8 * D**2 + 5 * D),  # D → 4D → D
        "LayerNorm": depth * 4 * D + 2 * D,  # 블록마다 둘, 끝에 하나
        "분류 헤드": D * CLASSES + CLASSES,
    }


def row(part, numbers):
    cells = [f"{number / 1e6:.2f}" for number in numbers]
    return f"| {part} | {' | '.join(cells)} |"


counts = [count(*size) for size in SIZES.values()]
print("| 백만 개 |", " | ".join(SIZES), "|")
print("|---|---:|---:|---:|---:|")
for part in counts[0]:
    print(row(part, [each[part] for each in counts]))
print(row("합계", [sum(each.values()) for each in counts]))
