// Stands for wrap-ansi beside plain-width.mjs: the lines stay as they are.
export default (text) => text
