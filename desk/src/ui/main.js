/**
 * The page: its head, its views behind tabs, and the switch of languages.
 */
import { checkView } from "./checkView.js";
import { button, el, say, sentence } from "./dom.js";
import { ending, firstDay, keysView } from "./keysView.js";
import { readView } from "./readView.js";
import { sendView } from "./sendView.js";
import { readPage } from "./state.js";
import { guardThePage } from "./unsaved.js";

const VIEWS = [
    ["check", say("检查", "Check"), checkView],
    ["send", say("发送", "Send"), sendView],
    ["read", say("读取", "Read"), readView],
    ["keys", say("密钥", "Keys"), keysView],
];

function page(desk) {
    const views = VIEWS.map(([id, label, view]) => ({ id, label, element: view(desk) }));
    const tabs = views.map(({ id, label, element }) => {
        Object.assign(element, { id: `view-${id}`, tabIndex: -1 });
        element.setAttribute("role", "tabpanel");
        return el(
            "button",
            { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `view-${id}`, click: () => show(id) },
            label,
        );
    });
    const show = (shown, focus = false) => {
        views.forEach(({ id, element }, at) => {
            element.hidden = id !== shown;
            tabs[at].setAttribute("aria-selected", String(id === shown));
            tabs[at].tabIndex = id === shown ? 0 : -1;
            if (focus && id === shown) tabs[at].focus();
        });
    };
    const move = (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
        next.focus();
        next.click();
    };
    desk.show = show;
    show(views[0].id);
    const list = el("div", { role: "tablist", class: "tabs", "aria-label": "步骤 steps", keydown: move }, tabs);
    return [
        head(desk.agreement),
        el("nav", {}, list),
        el(
            "main",
            {},
            stage(desk),
            ending(desk),
            views.map((view) => view.element),
        ),
        foot(desk.agreement),
    ];
}

/** Where the agreement is only being tried: nobody may take its answers for true ones, nor ask about real people. */
function stage({ agreement, rules }) {
    if (agreement.stage !== "test") return null;
    document.title = `【测试 TEST】${document.title}`;
    return el(
        "div",
        { class: "stage", id: "stage" },
        el("strong", {}, say("试办阶段 TEST：只作测试，不作数。", "TEST stage: for trying only. ")),
        say(
            "只填虚构人员，不要填真实的人；答复出自虚构数据，不得用于办理业务。转为正式后，请向户政管理部门索取新的协作台。",
            "Ask about invented people alone; the answers are of invented data and decide nothing. Once the agreement is live, ask the office for a new desk.",
        ),
        el(
            "details",
            {},
            el("summary", {}, say("转为正式之前要做到什么", "What is to be shown before it is live")),
            el(
                "ol",
                {},
                rules.conformance.map((each) => el("li", {}, sentence(each))),
            ),
            say(
                "虚构的名单向户政管理部门索取。全部做到后，会收到合格证书（“读取”中可看）。",
                "Ask the office for lists of invented people. Once all is shown you get a certificate of conformance.",
            ),
        ),
    );
}

function head(agreement) {
    const language = button(
        "English",
        () => {
            const english = document.documentElement.lang === "en";
            document.documentElement.lang = english ? "zh-CN" : "en";
            language.textContent = english ? "English" : "中文";
        },
        "language",
    );
    return el(
        "header",
        {},
        el(
            "div",
            {},
            el("h1", {}, say("户籍核查协作台", "Household verification desk")),
            agreement && el("p", {}, `${agreement.zh} · ${agreement.partner} · ${agreement.number}`),
        ),
        language,
    );
}

const foot = (agreement) =>
    el(
        "footer",
        {},
        say(
            `本页不联网，不保存任何内容，关闭即清除。协议有效期至 ${agreement.in_force_until}。${agreement.telephone ? `户政管理部门电话 ${agreement.telephone}。` : ""}`,
            `This page connects to nothing and keeps nothing. The agreement is in force until ${agreement.in_force_until}. ${agreement.telephone ? `The office's telephone: ${agreement.telephone}.` : ""}`,
        ),
    );

const desk = readPage();
const unmade = () => [head(null), el("main", {}, firstDay())];
guardThePage();
document.getElementById("desk").append(...(desk ? page(desk) : unmade()));
