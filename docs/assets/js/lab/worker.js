// A model off the page's own thread: fetched, unpacked and run here, so that the page never waits for it.
// In: { load: as engine.js describes it }, then { id, inputs } of a run.
// Out: { bytes } that have come, { ready }, { failed }, { id, outputs }.
const RUNTIME = new URL("../../vendor/runtime.js", import.meta.url);
const STEP = 100_000; // bytes after which it is told how many have come
const ZSTD = 0xfd2fb528; // how a Zstandard frame begins
const GZIP = 0x8b1f; // how a gzip file begins
const PROVIDERS = { executionProviders: ["wasm"] };
// A module whose one function uses a vector: what has no SIMD refuses it.
const VECTOR = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253];

let session;
let Tensor;

// Throws the reason for which nothing can be reckoned in this browser, if there is one.
function mustReckon() {
  if (typeof WebAssembly === "undefined") throw "no-wasm";
  if (!WebAssembly.validate(Uint8Array.of(...VECTOR, 98, 11))) throw "no-simd";
}

// The browser's own store of that name, if it lets us have one.
async function storeOf(name) {
  if (!name || !globalThis.caches) return null;
  return caches.open(name).catch(() => null);
}

// The bytes of a file, from the store if it is there; what arrives is told.
async function fetched(url, store) {
  const kept = await store?.match(url);
  const response = kept ?? (await fetch(url));
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
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
  const whole = joined(pieces);
  if (store && !kept) store.put(url, new Response(whole)).catch(console.warn); // a full disk: next time it comes again
  return whole;
}

function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

// A host that knows the ending .zst or .gz may have let the browser unpack it already.
async function unpacked(bytes, decompress) {
  const start = new DataView(bytes.buffer);
  if (start.getUint32(0, true) === ZSTD) return decompress(bytes);
  if (start.getUint16(0, true) !== GZIP) return bytes;
  const stream = new Response(bytes).body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The runtime makes itself ready at its first session: one without a model, which it refuses, while the model comes.
async function begin({ env, InferenceSession }, binary) {
  env.wasm.wasmBinary = binary;
  env.wasm.numThreads = 1; // several need headers that a plain static host does not send
  env.logLevel = "fatal";
  await InferenceSession.create(new Uint8Array(1), PROVIDERS).catch(() => {}); // what is wrong, the model is told too
  env.logLevel = "error";
}

async function load({ graph, wasm, keep, options }) {
  mustReckon();
  const store = await storeOf(keep);
  const runtime = import(RUNTIME);
  const whole = async (url) => unpacked(await fetched(url, store), (await runtime).decompress); // while the other comes
  const ready = Promise.all([runtime, whole(wasm)]).then(([given, binary]) => begin(given, binary));
  const [{ InferenceSession, Tensor: Given }, model] = await Promise.all([runtime, whole(graph), ready]);
  Tensor = Given;
  session = await InferenceSession.create(model, { ...PROVIDERS, ...options });
  for (const { url } of (await store?.keys()) ?? []) {
    if (url !== wasm && url !== graph) store.delete(url); // of an earlier version
  }
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
    if (data.load) {
      await load(data.load);
      postMessage({ ready: true });
    } else await run(data.id, data.inputs);
  } catch (error) {
    postMessage({ failed: String(error) });
  }
});
