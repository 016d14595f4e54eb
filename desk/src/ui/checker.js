/**
 * The page's side of the worker: one check at a time, with progress, and an end that the clerk may make.
 */

export class Checker {
    constructor(tables) {
        this.tables = tables;
        this.stop = () => {};
    }

    /** What `checkFile` gives, with its `rows`; null where it was stopped. @param {(rows: number) => void} progress */
    check(content, asked, progress) {
        this.stop();
        const address = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
        const worker = new Worker(address);
        const rows = [];
        const take = (read) => {
            for (const cells of read) rows.push(cells);
            progress(rows.length);
        };
        const done = ({ count, ...seen }) => ({ ...seen, rows: rows.slice(0, count) });
        return new Promise((resolve, reject) => {
            const end = (settle, value) => {
                worker.terminate();
                URL.revokeObjectURL(address);
                settle(value);
            };
            this.stop = () => end(resolve, null);
            worker.onmessage = ({ data }) => {
                if (data.kind === "rows") take(data.rows);
                else if (data.kind === "done") end(resolve, done(data.seen));
                else end(reject, new Error("the check failed"));
            };
            worker.onerror = () => end(reject, new Error("the worker failed"));
            worker.postMessage({ tables: this.tables });
            worker.postMessage({ content, asked });
        });
    }
}
