// The trained ViT in the page: what is loaded, one run, and what is reckoned from its attention maps.

export const PATCH = 8,
  GRID = 8,
  DEPTH = 6,
  HEADS = 4,
  DIM = 64; // of snippets/train_vit.py
const VENDOR = new URL("../../vendor/", import.meta.url),
  GRAPH = new URL("../../lab/vit.onnx", import.meta.url);
const ZSTD = 0xfd2fb528; // how a Zstandard frame begins

// The bytes of a file. heard(bytes) is called for every piece that arrives, until signal aborts.
async function fetched(url, heard, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  const pieces = [],
    reader = response.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    pieces.push(piece.value);
    heard(piece.value.length);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

// Fetch all that the model needs and make it ready. progress(bytes so far) is called while it loads. attempt: how often
// this was tried before; a browser does not fetch a script again whose name failed once.
export async function load(progress = () => {}, attempt = 0) {
  let bytes = 0;
  const heard = (count) => progress((bytes += count)),
    rest = new AbortController();
  const [runtime, packed, graph] = await Promise.all([
    import(new URL(`runtime.js${attempt ? `?${attempt}` : ""}`, VENDOR)),
    fetched(new URL("ort.wasm.zst", VENDOR), heard, rest.signal),
    fetched(GRAPH, heard, rest.signal),
  ]).catch((error) => {
    rest.abort(); // else what still arrives goes on telling of progress
    throw error;
  });
  const { decompress, env, InferenceSession, Tensor } = runtime;
  // A host that knows the ending .zst may have let the browser unpack it already.
  const isPacked = new DataView(packed.buffer).getUint32(0, true) === ZSTD;
  env.wasm.wasmBinary = isPacked ? decompress(packed) : packed;
  env.wasm.numThreads = 1; // several need headers that a plain static host does not send
  env.logLevel = "error";
  return new Model(await InferenceSession.create(graph, { executionProviders: ["wasm"] }), Tensor);
}

class Model {
  constructor(session, Tensor) {
    this.session = session;
    this.Tensor = Tensor;
  }

  // image: Float32Array of 3 * (8 rows) * (8 columns), as scenes.py normalises it. positions: see `positions`.
  // -> {logits (10), attn (6, 4, n, n), tokens (n, 64), n}, flat Float32Arrays with n = 1 + rows * columns.
  async run(image, rows, columns, { keep, order, mix }) {
    const { Tensor } = this;
    const result = await this.session.run({
      image: new Tensor("float32", image, [1, 3, PATCH * rows, PATCH * columns]),
      keep: new Tensor("float32", keep, [2]),
      order: new Tensor("int64", order, [rows, columns]),
      mix: new Tensor("float32", mix, [rows, columns, GRID * GRID]),
    });
    return { logits: result.logits.data, attn: result.attn.data, tokens: result.tokens.data, n: 1 + rows * columns };
  }
}

// Colours in [0, 1] -> what the model takes.
export function normalised(colours) {
  return colours.map((value) => (value - 0.5) / 0.25);
}

// The model's position inputs. method: "2d" as trained, the grid interpolated; "line", "repeat" and "same" as
// snippets/pe_interpolation.py has them; "none" without any. order: which place's position each patch gets.
export function positions(method, rows, columns, order) {
  const N = rows * columns,
    trained = GRID * GRID;
  const keep = Float32Array.of(method === "none" ? 0 : 1, method === "2d" ? 1 : 0);
  const mix = new Float32Array(N * trained);
  for (let i = 0; i < N; i++) {
    const place = order ? order[i] : i,
      row = i * trained;
    if (method === "line") {
      const from = Math.max(0, ((place + 0.5) * trained) / N - 0.5),
        low = Math.floor(from);
      mix[row + low] += 1 - (from - low);
      mix[row + Math.min(low + 1, trained - 1)] += from - low;
    } else if (method === "repeat") {
      mix[row + (place % trained)] = 1;
    } else if (method === "same") {
      mix.fill(1 / trained, row, row + trained);
    }
  }
  return { keep, mix, order: BigInt64Array.from({ length: N }, (_, i) => BigInt(order ? order[i] : i)) };
}

// One row of a map: layer from 0; head from 0, or null for the mean of all -> Float32Array (n).
export function row({ attn, n }, layer, head, query) {
  const heads = head === null ? Array.from({ length: HEADS }, (_, h) => h) : [head],
    found = new Float32Array(n);
  for (const h of heads) {
    const start = ((layer * HEADS + h) * n + query) * n;
    for (let k = 0; k < n; k++) found[k] += attn[start + k] / heads.length;
  }
  return found;
}

// One row of the attention rollout, as snippets/attention_rollout.py reckons it -> Float32Array (n).
export function rollout({ attn, n }, query) {
  let joint = new Float64Array(n);
  joint[query] = 1;
  for (let layer = DEPTH - 1; layer >= 0; layer--) {
    // from the left: the last layer first, so a row suffices
    const below = joint.map((weight) => 0.5 * weight);
    for (let h = 0; h < HEADS; h++) {
      for (let q = 0; q < n; q++) {
        const weight = (0.5 * joint[q]) / HEADS,
          start = ((layer * HEADS + h) * n + q) * n;
        if (weight) for (let k = 0; k < n; k++) below[k] += weight * attn[start + k];
      }
    }
    joint = below;
  }
  return Float32Array.from(joint);
}

// Pixels between the centres of all patches, row after row: Float32Array of (n - 1) ** 2. The last one is kept.
let apart = {};
function between(n, columns) {
  if (apart.n !== n || apart.columns !== columns) {
    const pixels = new Float32Array((n - 1) ** 2);
    for (let a = 0; a < n - 1; a++) {
      for (let b = 0; b < n - 1; b++) {
        const dy = Math.floor(a / columns) - Math.floor(b / columns),
          dx = (a % columns) - (b % columns);
        pixels[a * (n - 1) + b] = PATCH * Math.sqrt(dy * dy + dx * dx);
      }
    }
    apart = { n, columns, pixels };
  }
  return apart.pixels;
}

// Attention distance of every head in pixels, as snippets/attention_distance.py reckons it -> {"1-1": …, "1-2": …, …}.
export function distances({ attn, n }, columns) {
  const pixels = between(n, columns);
  const found = {};
  for (let map = 0; map < DEPTH * HEADS; map++) {
    let total = 0;
    for (let q = 1; q < n; q++) {
      const start = (map * n + q) * n,
        of = (q - 1) * (n - 1) - 1;
      let sum = 0,
        far = 0;
      for (let k = 1; k < n; k++) {
        // the class token has no place
        sum += attn[start + k];
        far += attn[start + k] * pixels[of + k];
      }
      total += far / sum;
    }
    found[`${Math.floor(map / HEADS) + 1}-${(map % HEADS) + 1}`] = total / (n - 1);
  }
  return found;
}

export function softmax(logits) {
  const most = Math.max(...logits),
    weights = Array.from(logits, (value) => Math.exp(value - most));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((value) => value / sum);
}
