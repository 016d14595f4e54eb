/**
 * What is lost when the page closes, though nobody could make it again: keys that were made and not saved yet, faults
 * that were mended and not sent. The browser asks before it closes.
 */
const unsaved = new Set();

export const keepOpen = (what) => unsaved.add(what);
export const mayClose = (what) => unsaved.delete(what);

/** Also: a file that is dropped beside its place must not take the place of the page. */
export function guardThePage() {
    window.addEventListener("beforeunload", (event) => {
        if (unsaved.size) event.preventDefault();
    });
    for (const kind of ["dragover", "drop"]) {
        document.addEventListener(kind, (event) => {
            if (event.target.matches?.("input, textarea") && !event.dataTransfer.types.includes("Files")) return;
            event.preventDefault();
            if (kind === "dragover" && !event.target.closest?.(".drop")) event.dataTransfer.dropEffect = "none";
        });
    }
}
