DIM = 768  # ViT-B
SIZES = [(224, 32), (224, 16), (384, 16), (448, 16), (896, 16), (224, 8)]

print("| 이미지, 패치(px) | 토큰 N | 맵의 칸 N² | 쌍 계산의 몫 |")
print("|---:|---:|---:|---:|")
for image, patch in SIZES:
    tokens = (image // patch) ** 2 + 1  # 패치마다 하나, 클래스 토큰 하나
    # N×N 행렬곱의 몫: 4N²D / (24ND² + 4N²D)
    share = tokens / (6 * DIM + tokens)
    print(f"| {image}, {patch} | {tokens:,}", end=" ")
    print(f"| {tokens**2:,} | {share:.1%} |")
