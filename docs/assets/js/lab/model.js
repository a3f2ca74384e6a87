// The trained ViT in the page: what is loaded, what it takes, and one run.

// Of snippets/train_vit.py.
export const PATCH = 8; // pixels
export const GRID = 8; // trained positions on a side
export const DEPTH = 6;
export const HEADS = 4;

const VENDOR = new URL("../../vendor/", import.meta.url);
const GRAPH = new URL("../../lab/vit.onnx", import.meta.url);
const ZSTD = 0xfd2fb528; // how a Zstandard frame begins

// The bytes of a file. heard(bytes) is called for every piece that arrives, until signal aborts.
async function fetched(url, heard, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  const pieces = [];
  const reader = response.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    pieces.push(piece.value);
    heard(piece.value.length);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/**
 * Fetch all that the model needs and make it ready -> a promise of a Model, which rejects if something does not come.
 * progress(bytes so far) is called while it loads. attempt: how often this was tried before; a browser does not fetch a
 * script again whose name failed once.
 */
export async function load(progress = () => {}, attempt = 0) {
  let bytes = 0;
  const heard = (count) => {
    bytes += count;
    progress(bytes);
  };
  const rest = new AbortController();
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

  /**
   * image: Float32Array of 3 * (8 rows) * (8 columns), as scenes.py normalises it; then what `positions` gives.
   * -> {logits (10), attn (6, 4, n, n), tokens (n, 64), n}, flat Float32Arrays with n = 1 + rows * columns.
   */
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

/** Colours in [0, 1] -> what the model takes. */
export function normalised(colours) {
  return colours.map((value) => (value - 0.5) / 0.25);
}

/**
 * The model's position inputs -> {keep, order, mix}, as tools/export_lab.py describes them. method: "2d" as trained, the
 * grid interpolated; "line", "repeat" and "same" as snippets/pe_interpolation.py has them; "none" without any.
 * order: which place's position each patch gets.
 */
export function positions(method, rows, columns, order) {
  const N = rows * columns;
  const trained = GRID * GRID;
  const keep = Float32Array.of(method === "none" ? 0 : 1, method === "2d" ? 1 : 0);
  const mix = new Float32Array(N * trained);
  for (let i = 0; i < N; i++) {
    const place = order ? order[i] : i;
    const row = i * trained;
    if (method === "line") {
      const from = Math.max(0, ((place + 0.5) * trained) / N - 0.5);
      const low = Math.floor(from);
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
