// What the 실험실 runs its model with, in one file: docs/assets/vendor/runtime.js.
export { decompress } from "fzstd";
export { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
