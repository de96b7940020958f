-- Which session a VM was heard of in last: the late end of an older one is not the VM's end.
alter table vms add column session bigint not null default 0;
