"""The people of a small company that exists nowhere: sixty names of the kind that real directories hold.

Several scripts, diacritics, apostrophes, hyphens, single names, very long names, missing values. Always the same: the
seed is fixed.
"""

import random
from dataclasses import dataclass

_SEED = 8585
_DOMAIN = "fabrikam.example"

# Login, given name, family name. Logins are ASCII, as most companies make them.
_NAMES = (
    ("zoe.obrien", "Zoë", "O'Brien"),
    ("sean.omalley", "Seán", "Ó'Malley"),
    ("anna-maria.mueller", "Anna-Maria", "Müller-Lüdenscheidt"),
    ("jose.garcia", "José", "García Márquez"),
    ("maria.lopez", "María José", "López de la Peña"),
    ("joao.goncalves", "João", "Gonçalves"),
    ("francois.lefevre", "François", "Lefèvre"),
    ("chloe.desmoulins", "Chloé", "d'Estaing-Desmoulins"),
    ("lukasz.zolc", "Łukasz", "Żółć"),
    ("malgorzata.brzezicka", "Małgorzata", "Brzęczyszczykiewicz"),
    ("jiri.dvorak", "Jiří", "Dvořák"),
    ("agnes.kovacs", "Ágnes", "Kovács-Őry"),
    ("stefan.tanase", "Ștefan", "Tănase"),
    ("soren.kjaer", "Søren", "Kjær"),
    ("asa.lindstrom", "Åsa", "Lindström"),
    ("thordur.jonsson", "Þórður", "Jónsson"),
    ("mika.hamalainen", "Mika", "Hämäläinen"),
    ("duc.nguyen", "Đức", "Nguyễn"),
    ("ngoc.tran", "Ngọc", "Trần Thị"),
    ("ayse.yildiz", "Ayşe", "Yıldız"),  # noqa: RUF001 - the dotless letter is the point
    ("ismail.isik", "İsmail", "Işık"),  # noqa: RUF001 - the dotless letter is the point
    ("liam.vandenberg", "Liam", "van den Berg"),
    ("eleni.papadopoulou", "Ελένη", "Παπαδοπούλου"),
    ("giorgos.dimitriou", "Γιώργος", "Δημητρίου"),
    ("sofia.nikolaou", "Σοφία", "Νικολάου"),
    ("olga.ivanova", "Ольга", "Иванова"),
    ("dmitri.sokolov", "Дмитрий", "Соколов"),
    ("oleksandr.shevchenko", "Олександр", "Шевченко"),
    ("hristo.georgiev", "Христо", "Георгиев"),
    ("fatima.alfarsi", "فاطمة", "الفارسي"),
    ("omar.haddad", "عمر", "حداد"),
    ("layla.mansour", "ليلى", "منصور"),
    ("david.cohen", "דוד", "כהן"),
    ("noa.levi", "נועה", "לוי"),
    ("wei.wang", "伟", "王"),
    ("fang.li", "芳", "李"),
    ("xiuying.zhang", "秀英", "张"),
    ("hanako.yamada", "花子", "山田"),
    ("taro.suzuki", "太郎", "鈴木"),
    ("misaki.watanabe", "みさき", "渡邊"),
    ("minjun.kim", "민준", "김"),
    ("seoyeon.lee", "서연", "이"),
    ("jiwoo.park", "지우", "박"),
    ("priya.sharma", "प्रिया", "शर्मा"),
    ("arjun.patel", "अर्जुन", "पटेल"),
    ("ananya.gupta", "अनन्या", "गुप्ता"),
    ("somchai.jaidee", "สมชาย", "ใจดี"),
    ("nino.beridze", "ნინო", "ბერიძე"),
    ("armen.petrosyan", "Արմեն", "Պետրոսյան"),
    ("tiruneh", "", "Tiruneh"),
    ("sukarno", "", "Sukarno"),
    ("teller", "", "Teller"),
    (
        "wolfe585",
        "Hubert Blaine",
        "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschaferswessenschafe",
    ),
    ("pablo.picasso", "Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios", "Ruiz y Picasso"),
    ("x.ae", "X Æ A-12", "Null"),
    ("robert.tables", "Robert'); DROP TABLE Employees;--", "Tables"),
    ("ann.smith", "Ann", 'Smith, "Junior"'),
    ("ann.smith2", "Ann", "Smith"),
    ("renee.oconnor", "Renée", "O'Connor"),
    ("jean-luc.picard", "Jean-Luc", "Picard"),
)

_WORK = (
    ("Research", ("Researcher", "Ingénieure, contrôle", "Head of research")),
    ("R&D, Żywność", ("Food technologist", "Laborant, Schicht 2")),
    ("Sales", ("Account manager", "Sales representative", "Director, EMEA")),
    ("People", ("Recruiter", "HR business partner")),
    ("Finance", ("Accountant", "Controller", 'Auditor "external"')),
    ("IT", ("Identity engineer", "Operator, night shift", "CISO")),
    ("研究開発", ("研究員", "主任")),
)


@dataclass(frozen=True, slots=True)
class Employee:
    """One person of the company; texts are empty where nothing is known.

    Attributes:
        number: the employee number, unique.
        active: whether the person works there now.
    """

    login: str
    number: str
    given_name: str
    family_name: str
    title: str
    email: str
    phone: str
    department: str
    active: bool

    @property
    def user_name(self) -> str:
        """The name that Entra matches on."""
        return f"{self.login}@{_DOMAIN}"

    @property
    def display_name(self) -> str:
        """Given name and family name."""
        return f"{self.given_name} {self.family_name}".strip()


def company() -> tuple[Employee, ...]:
    """Returns the sixty people, always the same."""
    chance = random.Random(_SEED)  # noqa: S311 - made-up people need no good randomness, but the same each time
    people = []
    for index, (login, given_name, family_name) in enumerate(_NAMES):
        department, titles = chance.choice(_WORK)
        people.append(
            Employee(
                login=login,
                number=f"{1000 + index:05}",
                given_name=given_name,
                family_name=family_name,
                title=_mostly(chance, chance.choice(titles)),
                email=_mostly(chance, f"{login}@mail.{_DOMAIN}"),
                phone=_mostly(chance, f"+49 30 5550-{chance.randrange(100, 999)}"),
                department=_mostly(chance, department),
                active=chance.random() > 0.1,
            )
        )
    return tuple(people)


@dataclass(frozen=True, slots=True)
class Team:
    """Who works in one department.

    Attributes:
        members: in the company's order; never empty.
    """

    name: str
    purpose: str
    members: tuple[Employee, ...]


def teams() -> tuple[Team, ...]:
    """Returns a team for each department; who is in none of them is in no team."""
    people = company()
    names = dict.fromkeys(name for name, _ in _WORK)
    joined = {name: tuple(person for person in people if person.department == name) for name in names}
    return tuple(Team(name, f"Everybody in {name}", members) for name, members in joined.items() if members)


def heads(people: tuple[Employee, ...]) -> dict[str, Employee]:
    """Returns everybody's manager by login: the first of the department; the first ones and the rest have none."""
    found: dict[str, Employee] = {}
    for person in people:
        if person.department:
            found.setdefault(person.department, person)
    led = [person for person in people if person.department and found[person.department] is not person]
    return {person.login: found[person.department] for person in led}


def _mostly(chance: random.Random, text: str) -> str:
    return text if chance.random() > 0.12 else ""
