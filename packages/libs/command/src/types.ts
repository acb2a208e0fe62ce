import type { ConfigOf, InstrumentProfile, Schema } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import type { Compression } from '@nightpipe/fits'
import type { TableSpec } from '@nightpipe/table'

/** What stamps the products of a run. Plain data: it travels to worker threads. */
export interface Context {
  command: string
  version: string
  /** the part of the configuration that can change products, as a valid INI */
  configText: string
  /** digest of `configText` */
  configDigest: string
  /** how images are compressed ([Output] compress); products are then called .fits.fz */
  compress?: Compression
}

/** Messages to the person (stderr). `detail` is shown with --verbose only. */
export interface Log {
  info(text: string): void
  warn(text: string): void
  detail(text: string): void
}

/** A file that a product was made from, and as what: 'frame', 'bias', 'flat', 'reference'. */
export interface Parent {
  path: string
  role: string
  /** as if --input had named it, and not the configuration; where a plan does not say, the harness does: it was named */
  given?: boolean
}

/** What one call was asked to do; `plan` and `finish` get it. */
export interface Request<S extends Schema = Schema> {
  /** sorted by name, each once; none of them a product that this command made in the output folder */
  inputs: InputFile[]
  /** what --input, or the configuration, named: folders, files, patterns */
  given?: readonly string[]
  /** absolute; exists, except in a dry run */
  output: string
  config: ConfigOf<S>
  profile: InstrumentProfile
  /** the command's own flags, by name; those that were not given are undefined */
  flags: Record<string, string | number | boolean | string[] | undefined>
  workers: number
  memoryBytes: number
  dryRun: boolean
  /** make again what is up to date */
  force: boolean
  log: Log
  context: Context
  /** aborted when the run is interrupted */
  signal: AbortSignal
}

/** A piece of work that makes products, or fails, on its own. Plain data: it travels to worker threads. */
export interface Job<J = unknown> {
  /** what progress and messages call it */
  name: string
  /** absolute paths of the inputs whose report rows this job makes */
  inputs: string[]
  /** absolute paths of what it makes, all of them, as .fits also when products are compressed */
  products: string[]
  /**
   * Those of the products that carry no cards of ours, though they are FITS: simulated raw frames, which hold what a
   * camera writes. They count as current beside a product of the same job that does.
   */
  bare?: string[]
  /** Its products are not printed: they explain what others made (the truth of a simulated night). */
  aside?: boolean
  /** everything the products depend on, inputs and masters alike; give the same list to `writeProduct` */
  parents: Parent[]
  /** One of those parents that are made in this run will do: it is not given up because another could not be made. */
  anyParent?: boolean
  /** what the command wants to know about it */
  params: J
}

/** What became of one input. */
export interface Row {
  /** absolute path; a command without inputs says here what the row is about */
  input: string
  /** rejected: a quality rule of the config set it aside; failed: unreadable, or impossible */
  status: 'done' | 'rejected' | 'failed'
  reason?: string
  product?: string
  measurements?: Record<string, number | string | undefined>
}

/** A column of the report after input, status, reason, product and seconds. */
export interface MeasurementSpec {
  /** with its unit: `background_adu`, `fwhm_px` */
  name: string
  doc: string
  unit?: string
  /** default: number */
  type?: 'number' | 'integer' | 'text'
}

/** A flag of one command, beyond those that all have. */
export interface FlagSpec {
  type: 'text' | 'number' | 'integer' | 'flag' | 'list'
  doc: string
  /** one letter */
  alias?: string
  choices?: readonly string[]
  /** what help shows for the value: `DATE`, `FILE` */
  placeholder?: string
  /** `section.key`: the flag is short for --set section.key=value, and so part of the provenance of products */
  config?: string
}

export interface Plan<J = unknown> {
  jobs: Job<J>[]
  /** inputs that get no job: already rejected, or failed */
  rows?: Row[]
  /** bytes that the largest job needs; the harness then runs only as many at once as --memory allows */
  memoryPerJob?: number
}

/** The answer of a command that judges. Not ok is exit code 4. */
export interface Verdict {
  ok: boolean
  reasons: string[]
  /** absolute paths of further products made by `finish`, for stdout */
  products?: string[]
}

// biome-ignore lint/suspicious/noConfusingVoidType: most commands judge nothing, and return nothing
type MaybeVerdict = Verdict | undefined | void

/** What a job works with. */
export interface Tools<S extends Schema = Schema> {
  /** how many tasks `map` runs at once */
  workers: number
  /** what this job may use: all of --memory in a 'strips' command (tasks share it), its share in a 'jobs' command */
  memoryBytes: number
  log: Log
  context: Context
  config: ConfigOf<S>
  profile: InstrumentProfile
  signal: AbortSignal
  /**
   * The named task for each of `args`, spread over the threads; results in the order of `args`. Arguments and results are
   * copied between threads. Never return a view of kernel memory: it is shared, and will be overwritten.
   *
   * The threads also make the digests of the job's parents, first of all; `digests: 'last'`: after the tasks, which take
   * longer; `digests: 'later'`: this task reads the parents as a whole and makes them by `requireWholeAndDigest`.
   */
  map<A, R>(task: string, args: readonly A[], options?: MapOptions): Promise<R[]>
  /**
   * The named task on all threads at the same time, as many as `workers`: argument k on thread k, which is the same one each
   * time; 0 is this one. For threads that pass their work on to one another. Where one of them fails `halt[0]` becomes 1: who
   * waits for another one must look at it, and let messages through (`breathe`).
   */
  together<A, R>(task: string, args: readonly A[], halt: Int32Array): Promise<R[]>
}

export interface MapOptions {
  digests?: 'first' | 'last' | 'later'
}

export interface Example {
  /** the command line */
  run: string
  doc: string
}

/** One executable: what it is called, what its INI says, and its three steps. */
export interface Command<S extends Schema = Schema, J = unknown> {
  name: string
  /** the first argument that chooses it, where `main` gets several commands of this name: `simulate imaging` */
  subcommand?: string
  /** one line, as in `nightpipe list` */
  summary: string
  /** some paragraphs for --help and the manual */
  description?: string
  examples?: readonly (Example | string)[]
  schema: S
  flags?: Readonly<Record<string, FlagSpec>>
  /** the columns of its report */
  measurements: readonly MeasurementSpec[]
  /** the state tables that it keeps besides its report: `tables check` and the manual know them from here */
  tables?: readonly TableSpec[]
  /** 'fits' (default): frames are needed; 'optional': none is fine too (an empty night); 'none': --input is not a flag */
  inputs?: 'fits' | 'optional' | 'none'
  /** What to do instead, for those who give --input to a command without it. */
  inputInstead?: string
  /** It makes no files: it prints, or sends. --output, --compress and --force are no flags of it. */
  prints?: true
  /** Where nobody names an instrument profile, the shipped one that knows the header of the first input is in force. */
  recognises?: true
  /** of the files to take from folders, instead of FITS: ['.csv'] */
  extensions?: readonly string[]
  /**
   * 'jobs': jobs run in threads side by side; 'strips': one after the other, each spreading its strips by `tools.map`;
   * 'both': strips while there are fewer jobs than workers, else jobs (where `tools.map` works in the thread of the job)
   */
  parallel: 'jobs' | 'strips' | 'both'
  /**
   * What jobs do on the main thread is mostly kernels that `together` shares among threads: light threads are started that
   * do nothing else, before the plan is made.
   */
  helpers?: true
  /**
   * Threads for jobs are started for so many bytes of inputs each; where that is not even two, the main thread does all. Each
   * has to warm up on its own: where jobs are soon done, two cost more time than they save. Default: however small.
   */
  bytesPerThread?: number
  /**
   * Its jobs hold nothing, and least of all kernel memory, while they wait: a thread begins the next one while the disk still
   * takes what the last one has written.
   */
  overlap?: true
  /** What there is to do, from headers only: refuse here what cannot work, before the first pixel is read. */
  plan(request: Request<S>): Plan<J> | Promise<Plan<J>>
  /** Makes the products of one job. An input without a row of its own counts as done, with the first product. */
  job(job: Job<J>, tools: Tools<S>): readonly Row[] | Promise<readonly Row[]>
  /** Strip tasks for `tools.map`: plain data in and out. */
  tasks?: Readonly<Record<string, (args: never) => unknown>>
  /** After all jobs: state tables, summaries, the verdict. */
  finish?(request: Request<S>, rows: readonly Row[], plan: Plan<J>): MaybeVerdict | Promise<MaybeVerdict>
  /** Set by `defineConductor`: it does its own planning, work and report. */
  conduct?(request: Conducting<S>): Promise<number>
  /** The INI that --config means, where it may also be a folder or a name. */
  configFile?(given: string): string
  /** The folder to work in where neither --output nor the INI names one in the common way: a spectrograph tree, for one. */
  outputFolder?(config: ConfigOf<S>, flags: Request['flags']): string | undefined
}

/** What a command that conducts others works with. */
export interface Conducting<S extends Schema = Schema> extends Request<S> {
  /** the INI in force, absolute; undefined when there is none */
  configPath?: string
  json: boolean
  verbosity: 'quiet' | 'normal' | 'verbose'
  /** standard error is a terminal on which lines may move */
  terminal: boolean
  /** to standard output */
  print(text: string): Promise<void>
}

/** A command that starts others, or waits for work to come: all but its flags and its INI is its own. */
export type Conductor<S extends Schema = Schema> = Omit<
  Command<S>,
  'plan' | 'job' | 'tasks' | 'finish' | 'parallel' | 'conduct'
> & {
  /**
   * Does it all and gives the exit code. The first Ctrl-C or SIGTERM aborts `request.signal` and waits for the answer;
   * the second ends the process.
   */
  conduct(request: Conducting<S>): Promise<number>
}
