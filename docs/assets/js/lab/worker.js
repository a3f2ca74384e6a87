// The model off the page's own thread: fetched, unpacked and run here, so that the page never waits for it.
// In: "load", then { id, inputs } of a run. Out: { bytes } that have come, { ready }, { failed }, { id, ...outputs }.
const VENDOR = new URL("../../vendor/", import.meta.url);
const GRAPH = new URL("../../lab/vit.onnx", import.meta.url);
const STEP = 100_000; // bytes after which it is told how many have come
const ZSTD = 0xfd2fb528; // how a Zstandard frame begins

let session;
let Tensor;

// The bytes of a file; what arrives is told.
async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  const pieces = [];
  let bytes = 0; // not told yet
  const reader = response.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    pieces.push(piece.value);
    bytes += piece.value.length;
    if (bytes < STEP) continue;
    postMessage({ bytes });
    bytes = 0;
  }
  postMessage({ bytes });
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

async function load() {
  const [runtime, packed, graph] = await Promise.all([
    import(new URL("runtime.js", VENDOR)),
    fetched(new URL("ort.wasm.zst", VENDOR)),
    fetched(GRAPH),
  ]);
  const { decompress, env, InferenceSession } = runtime;
  // A host that knows the ending .zst may have let the browser unpack it already.
  const isPacked = new DataView(packed.buffer).getUint32(0, true) === ZSTD;
  env.wasm.wasmBinary = isPacked ? decompress(packed) : packed;
  env.wasm.numThreads = 1; // several need headers that a plain static host does not send
  env.logLevel = "error";
  Tensor = runtime.Tensor;
  session = await InferenceSession.create(graph, { executionProviders: ["wasm"] });
}

async function run(id, inputs) {
  const feeds = Object.entries(inputs).map(([name, [type, data, shape]]) => [name, new Tensor(type, data, shape)]);
  const result = await session.run(Object.fromEntries(feeds));
  const outputs = Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, tensor.data]));
  const buffers = Object.values(outputs).map(({ buffer }) => buffer);
  postMessage({ id, outputs }, buffers);
}

addEventListener("message", async ({ data }) => {
  try {
    if (data === "load") {
      await load();
      postMessage({ ready: true });
    } else await run(data.id, data.inputs);
  } catch (error) {
    postMessage({ id: data.id, failed: String(error) });
  }
});
