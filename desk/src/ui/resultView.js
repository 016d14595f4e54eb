/**
 * A result's rows beside the clerk's own, in words, with filters; kept as a workbook; acknowledged.
 */
import { besides, differing, standing, whatToDo, STANDINGS } from "../core/standing.js";
import { writeWorkbook } from "../core/write.js";
import { button, el, field, message, save, say, table } from "./dom.js";
import { dueWords, testMark } from "./statusView.js";
import { codeEntry, columnWord, itemWord } from "./words.js";

const SHOWN = 100;
const NAMES = {
    differs: ["不相符", "does not agree"],
    unread: ["未能核查", "could not be answered"],
    pending: ["另行答复", "an answer follows"],
    agrees: ["相符", "agrees"],
};

/** @param own `{codes, rows}` of the clerk's list, or null @param parts the opened files, `{plain, name}` each */
export function resultPart(desk, batch, records, { columns, rows }, parts, own) {
    const { rules } = desk;
    const last = records[records.length - 1];
    const lines = rows.map((row, at) => ({ at, row, standing: standing(rules, columns, row) }));
    besides(own, rows).forEach((mine, at) => (lines[at].own = mine));
    const counts = new Map(STANDINGS.map((each) => [each, lines.filter((line) => line.standing === each).length]));
    const open = last.rows_open;
    const hasFirst = records.some((each) => !each.supplement);
    const corrects = !hasFirst && secondLook(batch) ? last.corrects : null; // of one's own objection it is no news
    const strange = own ? lines.filter((line) => !line.own).length : 0;
    const place = el("div", {});
    const filter = el("select", { id: `filter-${batch}` });
    filter.append(el("option", { value: "" }, `全部（不相符的在前） · all ${lines.length}`));
    for (const each of STANDINGS)
        filter.append(el("option", { value: each }, `只看${NAMES[each][0]} · ${NAMES[each][1]} ${counts.get(each)}`));
    const show = (from) => {
        const chosen = STANDINGS.flatMap((each) =>
            !filter.value || filter.value === each ? lines.filter((line) => line.standing === each) : [],
        );
        place.replaceChildren(...pageOf(desk, batch, columns, own, chosen, from, show));
    };
    filter.addEventListener("change", () => show(0));
    show(0);
    const keep = button(
        say("保存为工作簿", "Save as a workbook"),
        () => save(`${batch}-核查结果.xlsx`, workbook(rules, columns, own, lines)),
        "main",
    );
    keep.classList.add("keep");
    const plain = parts.map(({ name, plain: bytes }) =>
        button(say(`保存原文件 ${name}`, `Save ${name} as it came`), () => save(name, bytes)),
    );
    const received = records.map((each) =>
        each.supplement ? `${batch}.result-${each.supplement + 1}.ack` : `${batch}.result.ack`,
    );
    const acknowledge = received.map((name) =>
        button(say(`保存收讫文件 ${name}`, `Save ${name}`), () => save(name, new Uint8Array())),
    );
    return el(
        "article",
        { "aria-label": batch },
        el("h3", {}, testMark(desk.agreement, last), say("结果", "Result"), ` ${batch}`),
        message(
            open ? "warn" : "good",
            say(
                `签名、摘要核对无误，已解密。共 ${lines.length} 行：${STANDINGS.map((each) => `${NAMES[each][0]} ${counts.get(each)}`).join("，")}。`,
                `Signature and hashes hold. ${lines.length} rows: ${STANDINGS.map((each) => `${NAMES[each][1]} ${counts.get(each)}`).join(", ")}.`,
            ),
            open ? openWords(rules, last) : null,
        ),
        corrects
            ? message(
                  "warn",
                  say(
                      `更正原批次 ${corrects} 的答复：被查询人申请复核，经核实后更正。业务编号即原批次的行；以此为准，已据原答复办理的请按更正后的重新审查。`,
                      `This corrects answers of batch ${corrects}: somebody asked about had them looked at again. The references are those of that batch; this answer counts, and what was decided on the earlier one is to be looked at anew.`,
                  ),
              )
            : null,
        !hasFirst && !corrects
            ? message(
                  "warn",
                  say(
                      "这里只有补充结果；与首次结果一起拖入，才是全部。",
                      "This is a supplement alone; drop the first result in, too.",
                  ),
              )
            : null,
        strange
            ? message(
                  "warn",
                  say(
                      `其中 ${strange} 行在本方名单中找不到，或业务编号相同而号码不同：可能不是这一批的名单。这些行显示结果中的脱敏号码和姓名。`,
                      `${strange} rows are not in your list, or are about another number there: it may be the list of another batch. They are shown as the result has them.`,
                  ),
              )
            : null,
        el(
            "p",
            { class: "hint" },
            say("数据源及快照日期：", "Sources, and the dates of their snapshots: "),
            last.snapshots.map((each) => `${each.zh} ${each.as_of}`).join("，"),
        ),
        el("div", { class: "row" }, field(say("筛选", "Filter"), filter), keep, plain),
        place,
        el(
            "p",
            { class: "row" },
            say(
                "收讫：取走 from-office 中的结果文件即可；不能删除文件的，把收讫文件上传到 to-office：",
                "Taken: remove the result from from-office; where you cannot, upload this to to-office: ",
            ),
            acknowledge,
        ),
    );
}

const secondLook = (batch) => /^[a-z0-9-]+\.second-look-/.test(batch);

const openWords = (rules, result) => [
    say(`还有 ${result.rows_open} 行另行答复，办结时限 `, ` ${result.rows_open} rows follow, due `),
    dueWords(rules, result),
    say("；补充结果到后与本结果一起拖入。", "; drop the supplement in together with this one."),
];

/** One page of rows, and the buttons to the others. */
function pageOf(desk, batch, columns, own, chosen, from, show) {
    const { rules } = desk;
    const answers = answerColumns(columns);
    const ownPlaces = ownColumns(own);
    const head = [
        say("业务编号", "Reference"),
        say("小结", "In short"),
        say("怎么办", "What to do"),
        ...(own ? ownPlaces.map(({ code }) => columnWord(rules, code)) : ["公民身份号码", "姓名"]),
        ...answers.map(({ column }) =>
            column.endsWith("_answer") ? `${answerWord(rules, column)}（答复）` : answerWord(rules, column),
        ),
    ];
    const rows = chosen
        .slice(from, from + SHOWN)
        .map(({ row, own: mine, standing: stands }) => [
            row[0],
            [
                el("span", { class: `answer standing ${stands}` }, say(...NAMES[stands])),
                differing(rules, columns, row).map((each) => el("div", { class: "answer" }, answerWord(rules, each))),
            ],
            whatToDo(rules, columns, row).map((each) => el("div", { class: "advice" }, say(each.zh, each.en))),
            ...besideAnswers(own, ownPlaces, mine, row),
            ...answers.map(({ at, column }) => answerText(rules, column, row[at])),
        ]);
    const pages = [
        from > 0 && button(say("上一页", "Back"), () => show(from - SHOWN)),
        from + SHOWN < chosen.length && button(say("下一页", "On"), () => show(from + SHOWN)),
    ].filter(Boolean);
    return [
        table(head, rows, `${batch} 核查结果 answers`),
        el(
            "p",
            { class: "row" },
            pages.length
                ? say(
                      `第 ${from + 1} 至 ${Math.min(from + SHOWN, chosen.length)} 行，共 ${chosen.length} 行`,
                      `${from + 1} to ${Math.min(from + SHOWN, chosen.length)} of ${chosen.length}`,
                  )
                : null,
            pages,
        ),
    ];
}

const answerColumns = (columns) =>
    columns.flatMap((column, at) =>
        column === "identity" || column === "note" || column.endsWith("_answer") ? [{ column, at }] : [],
    );

const ownColumns = (own) =>
    own ? own.codes.flatMap((code, place) => (code === "row_ref" ? [] : [{ code, place }])) : [];

/** What stands beside a row's answers: the clerk's own cells; where the list has no such row, what the result shows. */
function besideAnswers(own, ownPlaces, mine, row) {
    const shown = { id_number: row[1], name: row[2] };
    if (!own) return Object.values(shown);
    return ownPlaces.map(({ code, place }) => (mine ? mine[place] : shown[code]) ?? "");
}

const answerWord = (rules, column) =>
    column.endsWith("_answer")
        ? itemWord(rules, column.slice(0, -"_answer".length))
        : rules.result.find((each) => each.column === column).zh[0];

function answerText(rules, column, value) {
    if (!value) return "";
    if (column === "note")
        return value
            .split(";")
            .map((code) => el("div", { class: "note" }, say(codeEntry(rules, code).zh, codeEntry(rules, code).en)));
    const { zh, en, group } = codeEntry(rules, value);
    return el("span", { class: `answer ${group ?? ""} ${value}` }, say(zh, en));
}

/** All rows in their order: one's own columns, then the answers in words, then what to do. */
function workbook(rules, columns, own, lines) {
    const answers = answerColumns(columns);
    const ownPlaces = ownColumns(own);
    const words = (column, value) =>
        column === "note"
            ? value
                  .split(";")
                  .filter(Boolean)
                  .map((code) => codeEntry(rules, code).zh)
                  .join("；")
            : value && codeEntry(rules, value).zh;
    const head = [
        "业务编号",
        ...(own ? ownPlaces.map(({ code }) => columnWord(rules, code)) : ["公民身份号码", "姓名"]),
        ...answers.map(({ column }) =>
            column.endsWith("_answer") ? `${answerWord(rules, column)}核查结果` : answerWord(rules, column),
        ),
        "小结",
        "怎么办",
    ];
    const rows = lines.map(({ row, own: mine, standing: stands }) => [
        row[0],
        ...besideAnswers(own, ownPlaces, mine, row),
        ...answers.map(({ at, column }) => words(column, row[at])),
        NAMES[stands][0],
        whatToDo(rules, columns, row)
            .map((each) => each.zh)
            .join("；"),
    ]);
    return writeWorkbook("核查结果", [head, ...rows], (at) => lines[at - 1].standing === "differs");
}
