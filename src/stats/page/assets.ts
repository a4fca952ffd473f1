export const PAGE_STYLE: string = "table{border-collapse:collapse}";
export const PAGE_SCRIPT: string = "";
