// Pictures of the reader's own: chosen with an input, dropped on an element, or pasted anywhere.

/** Give each picture that comes, a File, to take. inputs: of files; targets: what can be dropped on. */
export function takesPictures(inputs, targets, take) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files[0]) take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  for (const target of targets) {
    target.addEventListener("dragover", (event) => event.preventDefault());
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
    });
  }
  addEventListener("paste", ({ clipboardData }) => {
    const picture = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (picture) take(picture);
  });
}
