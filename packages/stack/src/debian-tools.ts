/** A tool of Debian's that is unpacked, not installed, when something needs it. */
export type DebianTool = {
  /** A release; `machine`: whatever release and sources the machine has. */
  from: 'trixie' | 'bookworm' | 'machine';
  /**
   * What loads it. `own`: the C library that is unpacked with it, so that it runs on machines with an older one. `machine`: that of
   * the machine, for what is loaded into programs of the machine, or starts further programs of its own by their paths.
   */
  loader: 'own' | 'machine';
  /** With what they depend on. */
  packages: readonly string[];
  /** Name → path among the unpacked files; may be a pattern. */
  programs: Readonly<Record<string, string>>;
  /** Further folders of libraries among the unpacked files; patterns. */
  libraries?: readonly string[];
  /** Variables for whoever uses it → paths among the unpacked files. */
  env?: Readonly<Record<string, string>>;
  /** Programs that the machine must have on its PATH. */
  needs?: readonly string[];
  /** Where Debian installs its programs, if an installed one does as well. */
  installed?: string;
  /** What is downloaded at most, package lists (10 MB) not counted. */
  megabytes: number;
};

export const debianTools = {
  redis: {
    from: 'machine',
    loader: 'machine',
    packages: ['redis-server'],
    programs: { 'redis-server': 'usr/bin/redis-server' },
    megabytes: 10,
  },
  spin: {
    from: 'trixie',
    loader: 'own',
    packages: ['spin'],
    programs: { spin: 'usr/bin/spin' },
    needs: ['cc'],
    megabytes: 5,
  },
  pgbouncer: {
    from: 'trixie',
    loader: 'own',
    packages: ['pgbouncer'],
    programs: { pgbouncer: 'usr/sbin/pgbouncer' },
    megabytes: 10,
  },
  'postgres-15': {
    from: 'bookworm',
    loader: 'machine', // initdb and pg_ctl start the postgres beside them
    packages: ['postgresql-15'],
    programs: {
      initdb: 'usr/lib/postgresql/15/bin/initdb',
      pg_ctl: 'usr/lib/postgresql/15/bin/pg_ctl',
      pg_dump: 'usr/lib/postgresql/15/bin/pg_dump',
      pg_restore: 'usr/lib/postgresql/15/bin/pg_restore',
      postgres: 'usr/lib/postgresql/15/bin/postgres',
      psql: 'usr/lib/postgresql/15/bin/psql',
    },
    installed: '/usr/lib/postgresql/15/bin',
    megabytes: 75,
  },
  // A server that speaks the protocol of AWS, with real AES-GCM, and the Python that runs it.
  moto: {
    from: 'trixie',
    loader: 'own',
    packages: ['python3-moto', 'python3-flask', 'python3-flask-cors', 'python3-cryptography'],
    programs: { python3: 'usr/bin/python3.[0-9][0-9]' },
    env: { PYTHONHOME: 'usr', PYTHONPATH: 'usr/lib/python3/dist-packages' },
    megabytes: 35,
  },
  prometheus: {
    from: 'machine',
    loader: 'machine',
    packages: ['prometheus'],
    programs: { promtool: 'usr/bin/promtool', prometheus: 'usr/bin/prometheus' },
    megabytes: 40,
  },
  // A token in files. Its module is loaded into Node, so that it must be of the machine's release.
  softhsm2: {
    from: 'machine',
    loader: 'machine',
    packages: ['softhsm2'],
    programs: { 'softhsm2-util': 'usr/bin/softhsm2-util' },
    env: { SOFTHSM2_MODULE: 'usr/lib/softhsm/libsofthsm2.so' },
    megabytes: 15,
  },
  // Another token in files, by other people. Loaded into Node as well.
  nss: {
    from: 'machine',
    loader: 'machine',
    packages: ['libnss3', 'libnss3-tools'],
    programs: { certutil: 'usr/bin/certutil' },
    libraries: ['usr/lib/*-linux-gnu*/nss'],
    env: { NSS_MODULE: 'usr/lib/*-linux-gnu*/{,nss/}libsoftokn3.so' },
    megabytes: 15,
  },
  // Who verifies certificates besides us.
  cosign: {
    from: 'trixie',
    loader: 'own',
    packages: ['cosign'],
    programs: { cosign: 'usr/bin/cosign' },
    megabytes: 60,
  },
  'python-cryptography': {
    from: 'trixie',
    loader: 'own',
    packages: ['python3-cryptography', 'python3-jwcrypto'],
    programs: { python3: 'usr/bin/python3.[0-9][0-9]' },
    env: { PYTHONHOME: 'usr', PYTHONPATH: 'usr/lib/python3/dist-packages' },
    megabytes: 25,
  },
  // José, the C library's command.
  jose: {
    from: 'trixie',
    loader: 'own',
    packages: ['jose'],
    programs: { jose: 'usr/bin/jose' },
    megabytes: 10,
  },
  // Starts itself again by /proc/self/exe, so that the loader has to be the machine's.
  chromium: {
    from: 'machine',
    loader: 'machine',
    packages: ['chromium', 'fonts-dejavu-core'],
    programs: { chromium: 'usr/lib/chromium/chromium' },
    libraries: ['usr/lib/*-linux-gnu*/pulseaudio'],
    megabytes: 200,
  },
  // Starts its compiler and linker by their paths; both are static. It has nothing compiled with it: the standard library is.
  go: {
    from: 'trixie',
    loader: 'machine',
    packages: ['golang-1.24-go'],
    programs: { go: 'usr/lib/go-1.24/bin/go' },
    env: { GOROOT: 'usr/lib/go-1.24' },
    megabytes: 85,
  },
  libfaketime: {
    from: 'machine',
    loader: 'machine',
    packages: ['libfaketime'],
    programs: {},
    env: { LD_PRELOAD: 'usr/lib/*-linux-gnu*/faketime/libfaketime.so.1' },
    megabytes: 4,
  },
} as const satisfies Record<string, DebianTool>;

export type DebianToolName = keyof typeof debianTools;

/** What an installation needs and a run does not: apt is told that the machine has it. */
export const notUnpacked = [
  'adduser',
  'base-passwd',
  'ca-certificates',
  'coreutils',
  'debconf',
  'dpkg',
  'init-system-helpers',
  'locales',
  'lsb-base',
  'media-types',
  'netbase',
  'openssl',
  'passwd',
  'perl',
  'perl-base',
  'postgresql-common',
  'procps',
  'sensible-utils',
  'ssl-cert',
  'sysvinit-utils',
  'tzdata',
  'ucf',
] as const;
