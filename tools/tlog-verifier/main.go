// Command tlog-verifier checks proofs of the ledger with the mathematics of golang.org/x/mod (the Go checksum
// database) instead of ours: what the API serves on standard input, `ok` or the first error as the answer.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	Note string `json:"note"`
}

type input struct {
	Vkey      string `json:"vkey"`
	Inclusion []struct {
		JournalID  string     `json:"journalId"`
		Index      int64      `json:"index"`
		Leaf       string     `json:"leaf"`
		Path       []string   `json:"path"`
		Checkpoint checkpoint `json:"checkpoint"`
	} `json:"inclusion"`
	Consistency []struct {
		From checkpoint `json:"from"`
		To   checkpoint `json:"to"`
		Path []string   `json:"path"`
	} `json:"consistency"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func run() error {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(in.Vkey)
	if err != nil {
		return err
	}
	for _, proof := range in.Inclusion {
		size, root, err := open(proof.Checkpoint, verifier)
		if err != nil {
			return fmt.Errorf("checkpoint of journal %s: %w", proof.JournalID, err)
		}
		path, err := hashes(proof.Path)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(path, size, root, proof.Index, tlog.RecordHash([]byte(proof.Leaf))); err != nil {
			return fmt.Errorf("journal %s: %w", proof.JournalID, err)
		}
	}
	for _, proof := range in.Consistency {
		from, fromRoot, err := open(proof.From, verifier)
		if err != nil {
			return err
		}
		to, toRoot, err := open(proof.To, verifier)
		if err != nil {
			return err
		}
		path, err := hashes(proof.Path)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(path, to, toRoot, from, fromRoot); err != nil {
			return fmt.Errorf("from %d to %d: %w", from, to, err)
		}
	}
	return nil
}

// open checks the signature and reads size and root.
func open(c checkpoint, verifier note.Verifier) (int64, tlog.Hash, error) {
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return 0, tlog.Hash{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}

func hashes(list []string) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(list))
	for _, text := range list {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, fmt.Errorf("%q is not a hash", text)
		}
		out = append(out, tlog.Hash(raw))
	}
	return out, nil
}
