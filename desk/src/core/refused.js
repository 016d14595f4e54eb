/**
 * A set that the office would refuse whole: a code of `schemas/refusals.toml` and where, never a value.
 */
export class Refused extends Error {
    /** @param {string} code @param {{row?: number, column?: string}} [place] rows count from 1, the header is 0 */
    constructor(code, { row = null, column = null } = {}) {
        super(code);
        this.code = code;
        this.row = row;
        this.column = column;
    }
}

/** Runs what reads foreign bytes: whatever goes wrong in there is said of the file, as `validate.foreign_bytes` does. */
export function foreignBytes(code, read) {
    try {
        return read();
    } catch (error) {
        if (error instanceof Refused) throw error;
        throw new Refused(code);
    }
}
