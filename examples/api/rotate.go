// Starts a rotation, follows it, waits for its end, and fetches its certificate. Needs URL, TOKEN and TENANT.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

var api = os.Getenv("URL") + "/api/v1/admin/dek"

type rotation struct {
	RotationID      string  `json:"rotationId"`
	Status          string  `json:"status"`
	Phase           string  `json:"phase"`
	PercentComplete float64 `json:"percentComplete"`
	CompletedAt     *string `json:"completedAt"`
}

func call(method, path string, body []byte, headers map[string]string) *http.Response {
	request, err := http.NewRequest(method, api+path, bytes.NewReader(body))
	check(err)
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	check(err)
	return response
}

func read(response *http.Response) rotation {
	defer response.Body.Close()
	var answer struct {
		Data  rotation `json:"data"`
		Error any      `json:"error"`
	}
	check(json.NewDecoder(response.Body).Decode(&answer))
	if response.StatusCode != http.StatusOK {
		check(fmt.Errorf("%d: %v", response.StatusCode, answer.Error))
	}
	return answer.Data
}

// Nil while it is not signed yet; any other error ends the program, and none is taken for a certificate.
func certificateOf(path string) []byte {
	response := call("GET", path+"/certificate", nil, nil)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(err)
	if response.StatusCode == http.StatusOK {
		return body
	}
	var answer struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	check(json.Unmarshal(body, &answer))
	if answer.Error.Code != "CERTIFICATE_NOT_READY" {
		check(fmt.Errorf("%d: %s", response.StatusCode, body))
	}
	return nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	tenant := os.Getenv("TENANT")
	body, err := json.Marshal(map[string]string{"tenantId": tenant})
	check(err)
	// Under a key, so that the call may be repeated without starting a second rotation.
	started := read(call("POST", "/rotate", body, map[string]string{
		"Content-Type": "application/json", "x-tenantid": tenant,
		"Idempotency-Key": fmt.Sprintf("go-%d", time.Now().UnixNano()),
	}))
	path := "/rotations/" + started.RotationID
	fmt.Println("started", started.RotationID)

	// Follow it: Server-Sent Events, until the rotation has ended.
	events := call("GET", path+"/events", nil, map[string]string{"Accept": "text/event-stream"})
	lines := bufio.NewScanner(events.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		var state rotation
		if found && strings.Contains(data, `"percentComplete"`) && json.Unmarshal([]byte(data), &state) == nil {
			fmt.Println(state.Phase, state.PercentComplete, "%")
		}
	}
	events.Body.Close()

	// Or wait by looking; the stream may have been cut off.
	state := read(call("GET", path, nil, nil))
	for state.CompletedAt == nil {
		time.Sleep(time.Second)
		state = read(call("GET", path, nil, nil))
	}
	fmt.Println("ended", state.Status)

	// Within seconds of the end a worker has signed the certificate.
	certificate := certificateOf(path)
	for certificate == nil {
		time.Sleep(time.Second)
		certificate = certificateOf(path)
	}
	check(os.WriteFile("certificate.json", certificate, 0o600))
	var envelope struct {
		PayloadType string `json:"payloadType"`
	}
	check(json.Unmarshal(certificate, &envelope))
	fmt.Println("certificate", envelope.PayloadType)
}
