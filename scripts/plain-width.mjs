// Stands for string-width in what yargs brings along: it makes Intl.Segmenter at start-up, which takes
// 25 ms, to lay out help texts that our commands write themselves.
export default (text) => (typeof text === 'string' ? text.length : 0)
