"""Makes ``schemas/familiar_letters.csv``: the characters by which a text of names and places shows that it is Chinese.

    python schemas/sources/make_familiar_letters.py JIEBA_DICTIONARY

JIEBA_DICTIONARY is ``dict.txt`` of the package named in README.md beside. Given names: the characters behind a hundred
surnames in its personal names of three characters, the 800 most frequent; a newspaper's, and so short of women's and
children's names, which stand below with those by which names of other peoples of China are written. Places: the 400
most frequent of ``divisions.csv``. Surnames and words are written out here. Each character stands once, with the first
kind that has it.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

SCHEMAS = Path(__file__).resolve().parent.parent
GIVEN, PLACES = 800, 400
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
    "姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤"
)
WOMEN_AND_CHILDREN = (
    "芳娜敏静丽艳娟霞秀玲桂英梅红燕琳雪婷慧莹洁颖欣怡佳倩丹萍玉兰春晶善顺姬涵媛嫣妍娇姗婧婉岚莉茜萱蕾薇蓉菲莲芬"
    "芸芝苗芹茹荷菊琴琪瑶瑾璐珊珠碧贞淑惠娅娥媚妮妹姣姝婵翠霜露雯雁颜香馨鑫磊洋涛超帆浩轩睿晨旭昊淼焱炎烨煜炜煌熙"
    "璇璟梓然雨航诗诺若语彤悦琦钰铭锋钢锐锦钧铮银栋桐楠森柏松毅彪彬斌波凯豪伟杰勇强健俊哲泽宇博皓嘉可晓珍凤"
)
OTHER_PEOPLES = (
    "阿依古丽买提娜尔艾合卜吐逊明不都热木巴特其格乌兰那仁额敦苏日朝鲁"
    "萨花迪拜罕帕努玉素甫吾塔斯琴高娃云敖登拉次卓玛扎西旦增桑央金洛尼多吉"
)
WORDS = (
    "男女性别未说明民族汉年月日无业务编号公身份证姓名出生地籍贯户住址曾用现居迁入死亡"
    "动变对序异更期的目码种类系议销间项所移他侄偶养妇妻姨婶婿媳嫂属独甥舅配血鲜"
    "省市自治区州盟县旗街道路巷弄号楼栋幢单元室层门村组屯社乡镇庄营堡胡同小花园苑里委会大东西南北中前后上下"
)


def main() -> None:
    kinds = [
        ("surnames", list(SURNAMES), "公安部《二〇二〇年全国姓名报告》：按人口排列的前一百个姓"),
        ("given_names", most(given_names(Path(sys.argv[1])), GIVEN), "jieba 0.42.1 dict.txt (MIT)"),
        ("given_names_of_today", list(WOMEN_AND_CHILDREN), "written out in the script"),
        ("names_of_other_peoples", list(OTHER_PEOPLES), "written out in the script"),
        ("places", most(places(), PLACES), "divisions.csv"),
        ("words", list(WORDS), "headers, codes in words and addresses"),
    ]
    seen: set[str] = set()
    with (SCHEMAS / "familiar_letters.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("of", "letters", "source"))
        for kind, letters, source in kinds:
            table.writerow((kind, "".join(sorted(set(letters) - seen)), source))
            seen |= set(letters)


def given_names(dictionary: Path) -> Iterable[str]:
    for line in dictionary.read_text(encoding="utf-8").splitlines():
        word, _, kind = line.split()
        if kind == "nr" and len(word) == 3 and word[0] in SURNAMES:
            yield word[1:]


def places() -> Iterable[str]:
    with (SCHEMAS / "divisions.csv").open(encoding="utf-8", newline="") as file:
        return [row["name"] for row in csv.DictReader(file)]


def most(words: Iterable[str], count: int) -> list[str]:
    found = Counter("".join(words))
    return sorted(found, key=lambda letter: (-found[letter], letter))[:count]


if __name__ == "__main__":
    main()
