sizes = {"Ti/16": (192, 12), "S/16": (384, 12), "B/16": (768, 12), "L/16": (1024, 24)}  # 차원 D, 층 수
IMAGE, PATCH, CLASSES = 224, 16, 1000
N = (IMAGE // PATCH) ** 2 + 1  # 클래스 토큰까지

print("| 모델 | 임베딩 | 어텐션 | MLP | LayerNorm | 분류 헤드 | 합계 |")
print("|---|---:|---:|---:|---:|---:|---:|")
for name, (D, depth) in sizes.items():
    counts = [
        3 * PATCH**2 * D + D + D + N * D,  # 패치 투영과 편향, 클래스 토큰, 위치 임베딩
        depth * (4 * D**2 + 4 * D),  # Q·K·V와 출력 투영
        depth * (8 * D**2 + 5 * D),  # D → 4D → D
        depth * 4 * D + 2 * D,  # 블록마다 둘, 끝에 하나
        D * CLASSES + CLASSES,
    ]
    print(f"| {name} |", " | ".join(f"{count / 1e6:.2f}M" for count in counts), f"| {sum(counts):,} |")
