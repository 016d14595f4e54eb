/**
 * Files that the desk writes: CSV as spreadsheets open it, and workbooks whose every cell is a text.
 */
import { strToU8, zipSync } from "fflate";

const NEEDS_QUOTES = /[",\r\n]/;
const FIXED = new Date(2000, 0, 1);

/** UTF-8 with its mark, lines ending as in Windows. @param {string[][]} rows the header first */
export function writeCsv(rows) {
    const quoted = (cell) => (NEEDS_QUOTES.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
    return strToU8(`\ufeff${rows.map((row) => `${row.map(quoted).join(",")}\r\n`).join("")}`);
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const markup = (text) =>
    text
        .slice(0, 32_767)
        .replace(/[&<>]/g, (sign) => ESCAPES[sign])
        .replace(/_x(?=[0-9A-Fa-f]{4}_)/g, "_x005F_x")
        .replace(
            /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g,
            (sign) => `_x${sign.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}_`,
        );

/** An XLSX workbook of one sheet with a frozen header and a filter; every cell is a text. */
export function writeWorkbook(sheet, rows, marked = () => false) {
    const width = rows[0].length;
    const last = `${columnName(width - 1)}${rows.length}`;
    const body = rows.map((row, at) => sheetRow(row, at + 1, at === 0 ? 1 : marked(at) ? 2 : 0)).join("");
    const parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations(["officeDocument", "xl/workbook.xml"]),
        "xl/workbook.xml": `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="${markup(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
        "xl/_rels/workbook.xml.rels": relations(["worksheet", "worksheets/sheet1.xml"], ["styles", "styles.xml"]),
        "xl/styles.xml": STYLES,
        "xl/worksheets/sheet1.xml": `${HEAD}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="${width}" width="22" style="0" customWidth="1"/></cols><sheetData>${body}</sheetData><autoFilter ref="A1:${last}"/></worksheet>`,
    };
    const files = Object.entries(parts).map(([name, text]) => [name, [strToU8(text), { mtime: FIXED }]]);
    return zipSync(Object.fromEntries(files));
}

const sheetRow = (row, number, style) => {
    const cells = row.map((text, place) =>
        text === ""
            ? ""
            : `<c r="${columnName(place)}${number}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${markup(text)}</t></is></c>`,
    );
    return `<row r="${number}">${cells.join("")}</row>`;
};

const columnName = (place) =>
    (place < 26 ? "" : columnName(Math.floor(place / 26) - 1)) + String.fromCharCode(65 + (place % 26));

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const relations = (...targets) =>
    `${HEAD}<Relationships xmlns="${PACKAGE}/relationships">${targets.map(([kind, target], at) => `<Relationship Id="rId${at + 1}" Type="${OFFICE}/${kind}" Target="${target}"/>`).join("")}</Relationships>`;
const TYPES = `${HEAD}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${SHEETS}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${SHEETS}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${SHEETS}.styles+xml"/></Types>`;
const STYLES = `${HEAD}<styleSheet xmlns="${MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="4"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFDDEBF7"/></patternFill></fill><fill><patternFill patternType="solid"><fgColor rgb="FFFFE8CC"/></patternFill></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="49" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" xfId="0" fontId="1" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1"/><xf numFmtId="49" xfId="0" fillId="3" applyNumberFormat="1" applyFill="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;
