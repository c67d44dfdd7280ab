call('ZADD', arrived, number, number)
call('ZREMRANGEBYRANK', arrived, 0, -101)
return 'now'
