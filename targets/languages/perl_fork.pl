#!/usr/bin/perl
# Perl, a process a connection: `TEXT\n` is answered by `ok TEXT\n`.
#
#     perl perl_fork.pl PORT
#
# What is easy to get wrong with fork: children that nobody waits for; one waitpid() for several ended children; fork()
# that fails, whose undef is no child; children that outlive the server; the client's descriptor left open in the parent.
use strict;
use warnings;
use Errno qw(EINTR);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Socket qw(SHUT_WR);

my $max_text = 4096;

sub send_all {
    my ($client, $octets) = @_;
    while (length $octets) {
        my $sent = syswrite $client, $octets;
        return 0 if !defined $sent && $! != EINTR;
        substr $octets, 0, $sent // 0, '';
    }
    return 1;
}

# Input that nobody has read would turn close() into a reset, which can destroy the reply.
sub refuse {
    my ($client) = @_;
    send_all($client, "error line too long\n") or return;
    shutdown $client, SHUT_WR;
    alarm 3;    # SIGALRM ends this process.
    1 while sysread $client, my $ignored, 65536;
}

sub converse {
    my ($client) = @_;
    my $input = '';
    while (sysread $client, $input, 65536, length $input) {
        my $replies = '';
        while ($input =~ s/\A([^\n]*)\n//) {
            my $text = $1 =~ s/\r\z//r;
            if (length $text > $max_text) {
                return send_all($client, $replies) && refuse($client);
            }
            $replies .= "ok $text\n";
        }
        send_all($client, $replies) or return;
        return refuse($client) if length $input > $max_text + 1;
    }
}

my $listener = IO::Socket::INET->new(
    LocalPort => $ARGV[0], Proto => 'tcp', Listen => 128, ReuseAddr => 1,
) or die "cannot listen on port $ARGV[0]: $!\n";

setpgrp;        # The server and its children end together.
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };
$SIG{TERM} = $SIG{INT} = sub {
    $SIG{TERM} = 'IGNORE';
    kill TERM => -$$;
    exit 0;
};

while (1) {
    my $client = $listener->accept;
    if (!$client) {
        # A child that has ended interrupts; otherwise no descriptor is free, and asking again at once would spin.
        select undef, undef, undef, 0.1 unless $! == EINTR;
        next;
    }
    my $child = fork;
    if (defined $child && $child == 0) {
        $SIG{$_} = 'DEFAULT' for qw(CHLD TERM INT);
        close $listener;
        converse($client);
        exit 0;
    }
    close $client;    # No child to be had: this client is turned away, the others are served.
}
