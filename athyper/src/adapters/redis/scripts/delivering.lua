-- Before jobs are added that may have been added before. The last key has the numbers of the latest deliveries of a source, and the
-- last argument the number of this one.

local arrived, number = table.remove(KEYS), table.remove(ARGV)
if call('ZSCORE', arrived, number) then return 'before' end
local latest = call('ZRANGE', arrived, -1, -1)[1]
if latest and tonumber(latest) > tonumber(number) then return 'overtaken' end
