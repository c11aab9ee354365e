/**
 * The charts of a page, as text that goes into it.
 *
 * @module
 */
export { default as licence } from "npm:uplot@1.6.32/LICENSE" with { type: "text" };
export { default as style } from "npm:uplot@1.6.32/dist/uPlot.min.css" with { type: "text" };
export { default as script } from "npm:uplot@1.6.32/dist/uPlot.iife.min.js" with { type: "text" };
