-- The tables of complete.toml, in SQLite: sqlite3 complete.db < complete.sql
CREATE TABLE Users (
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    UserName VARCHAR(256) NOT NULL UNIQUE COLLATE NOCASE,
    ExternalId VARCHAR(256),
    DisplayName VARCHAR(256),
    NickName VARCHAR(256),
    ProfileUrl VARCHAR(2000),
    Title VARCHAR(256),
    UserType VARCHAR(64),
    PreferredLanguage VARCHAR(64),
    Locale VARCHAR(64),
    TimeZone VARCHAR(64),
    Active BOOLEAN,
    FormattedName VARCHAR(256),
    FamilyName VARCHAR(256),
    GivenName VARCHAR(256),
    MiddleName VARCHAR(256),
    HonorificPrefix VARCHAR(256),
    HonorificSuffix VARCHAR(256),
    WorkEmail VARCHAR(256),
    WorkEmailDisplay VARCHAR(256),
    WorkEmailPrimary BOOLEAN,
    HomeEmail VARCHAR(256),
    HomeEmailDisplay VARCHAR(256),
    HomeEmailPrimary BOOLEAN,
    OtherEmail VARCHAR(256),
    OtherEmailDisplay VARCHAR(256),
    OtherEmailPrimary BOOLEAN,
    WorkPhone VARCHAR(64),
    WorkPhoneDisplay VARCHAR(256),
    WorkPhonePrimary BOOLEAN,
    HomePhone VARCHAR(64),
    HomePhoneDisplay VARCHAR(256),
    HomePhonePrimary BOOLEAN,
    MobilePhone VARCHAR(64),
    MobilePhoneDisplay VARCHAR(256),
    MobilePhonePrimary BOOLEAN,
    FaxPhone VARCHAR(64),
    FaxPhoneDisplay VARCHAR(256),
    FaxPhonePrimary BOOLEAN,
    PagerPhone VARCHAR(64),
    PagerPhoneDisplay VARCHAR(256),
    PagerPhonePrimary BOOLEAN,
    OtherPhone VARCHAR(64),
    OtherPhoneDisplay VARCHAR(256),
    OtherPhonePrimary BOOLEAN,
    AimIm VARCHAR(256),
    AimImDisplay VARCHAR(256),
    AimImPrimary BOOLEAN,
    GtalkIm VARCHAR(256),
    GtalkImDisplay VARCHAR(256),
    GtalkImPrimary BOOLEAN,
    IcqIm VARCHAR(256),
    IcqImDisplay VARCHAR(256),
    IcqImPrimary BOOLEAN,
    XmppIm VARCHAR(256),
    XmppImDisplay VARCHAR(256),
    XmppImPrimary BOOLEAN,
    MsnIm VARCHAR(256),
    MsnImDisplay VARCHAR(256),
    MsnImPrimary BOOLEAN,
    SkypeIm VARCHAR(256),
    SkypeImDisplay VARCHAR(256),
    SkypeImPrimary BOOLEAN,
    QqIm VARCHAR(256),
    QqImDisplay VARCHAR(256),
    QqImPrimary BOOLEAN,
    YahooIm VARCHAR(256),
    YahooImDisplay VARCHAR(256),
    YahooImPrimary BOOLEAN,
    Photo VARCHAR(2000),
    PhotoDisplay VARCHAR(256),
    PhotoPrimary BOOLEAN,
    ThumbnailPhoto VARCHAR(2000),
    ThumbnailPhotoDisplay VARCHAR(256),
    ThumbnailPhotoPrimary BOOLEAN,
    WorkAddress VARCHAR(500),
    WorkStreet VARCHAR(256),
    WorkCity VARCHAR(256),
    WorkRegion VARCHAR(256),
    WorkPostalCode VARCHAR(64),
    WorkCountry VARCHAR(256),
    WorkAddressPrimary BOOLEAN,
    HomeAddress VARCHAR(500),
    HomeStreet VARCHAR(256),
    HomeCity VARCHAR(256),
    HomeRegion VARCHAR(256),
    HomePostalCode VARCHAR(64),
    HomeCountry VARCHAR(256),
    HomeAddressPrimary BOOLEAN,
    OtherAddress VARCHAR(500),
    OtherStreet VARCHAR(256),
    OtherCity VARCHAR(256),
    OtherRegion VARCHAR(256),
    OtherPostalCode VARCHAR(64),
    OtherCountry VARCHAR(256),
    OtherAddressPrimary BOOLEAN,
    Certificate BLOB,
    EmployeeNumber VARCHAR(256),
    CostCenter VARCHAR(256),
    Organization VARCHAR(256),
    Division VARCHAR(256),
    Department VARCHAR(256),
    ManagerId INTEGER REFERENCES Users (Id)
);

CREATE TABLE UserRoles (
    UserId INTEGER NOT NULL REFERENCES Users (Id), Role VARCHAR(256) NOT NULL, PRIMARY KEY (UserId, Role)
);
CREATE TABLE UserEntitlements (
    UserId INTEGER NOT NULL REFERENCES Users (Id), Entitlement VARCHAR(256) NOT NULL, PRIMARY KEY (UserId, Entitlement)
);

CREATE TABLE Groups (
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    DisplayName VARCHAR(256) NOT NULL UNIQUE COLLATE NOCASE,
    ExternalId VARCHAR(256)
);
CREATE TABLE GroupMembers (
    GroupId INTEGER NOT NULL REFERENCES Groups (Id), UserId INTEGER NOT NULL REFERENCES Users (Id),
    PRIMARY KEY (GroupId, UserId)
);
CREATE INDEX MembersByUser ON GroupMembers (UserId);
CREATE TABLE GroupParts (
    GroupId INTEGER NOT NULL REFERENCES Groups (Id), PartId INTEGER NOT NULL REFERENCES Groups (Id),
    PRIMARY KEY (GroupId, PartId)
);
CREATE INDEX PartsByGroup ON GroupParts (PartId);

CREATE TABLE Devices (
    Id INTEGER PRIMARY KEY AUTOINCREMENT,
    Serial VARCHAR(256) NOT NULL UNIQUE COLLATE NOCASE,
    ExternalId VARCHAR(256),
    DisplayName VARCHAR(256),
    Vendor VARCHAR(256),
    Model VARCHAR(256),
    Ports INTEGER,
    Loaned BOOLEAN,
    WarrantyUntil VARCHAR(256),
    OwnerId INTEGER REFERENCES Users (Id)
);
CREATE INDEX DevicesByOwner ON Devices (OwnerId);
CREATE TABLE DeviceUsers (
    DeviceId INTEGER NOT NULL REFERENCES Devices (Id), UserId INTEGER NOT NULL REFERENCES Users (Id),
    PRIMARY KEY (DeviceId, UserId)
);
CREATE INDEX DevicesByUser ON DeviceUsers (UserId);
CREATE TABLE DeviceTags (
    DeviceId INTEGER NOT NULL REFERENCES Devices (Id), Tag VARCHAR(256) NOT NULL, PRIMARY KEY (DeviceId, Tag)
);
